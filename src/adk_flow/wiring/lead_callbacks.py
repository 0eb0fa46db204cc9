"""The callbacks around a lead, kept where a graph has no place for the lead itself."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import FunctionNode, Workflow
from google.genai import types

from adk_flow.wiring.copies import WiringError

_INNER_HOOKS = (
    *("before_model", "after_model", "on_model_error"),
    *("before_tool", "after_tool", "on_tool_error"),
)


def graph_without(lead: LlmAgent, name: str, *chain: Any) -> Workflow:
    """Makes a Workflow, of nodes that follow each other, in which a lead plays no part.

    Raises:
      WiringError: it has callbacks around model or tools, which would run nowhere.
    """
    inner = [hook for hook in _INNER_HOOKS if getattr(lead, f"canonical_{hook}_callbacks")]
    if inner:
        raise WiringError(
            f"{lead.name} plays no part in {name}, so its {inner[0]}_callback would never run"
        )
    return within_callbacks(lead, name, *chain)


def within_callbacks(lead: LlmAgent, name: str, *chain: Any) -> Workflow:
    """Makes a Workflow of nodes that follow each other, within a lead's agent callbacks.

    Those before the agent run first, and may answer in the graph's place; those after it run last.
    ADK has neither for a Workflow (2.13).
    """
    edges: list[Any] = []
    # Whose callbacks they are is all that they are told of it.
    lead = lead.clone(update={"tools": [], "sub_agents": []})
    if after := lead.canonical_after_agent_callbacks:
        chain, edges = _ended_by(closing(lead, after), chain)
    before = lead.canonical_before_agent_callbacks
    if not before:
        return Workflow(name=name, edges=[("START", open_graph, *chain), *edges])
    ways = {"asked": chain[0], "answered": conclusion}
    start: Any = ("START", opening(lead, before), ways)
    rest = [chain] if len(chain) > 1 else []
    return Workflow(name=name, edges=[start, *rest, *edges])


def check_single_part(lead: LlmAgent, name: str) -> None:
    """Refuses, by a WiringError, a lead asked for parts of a turn whose callbacks end a turn."""
    if lead.after_agent_callback:
        raise WiringError(
            f"{name} asks {lead.name} for a part of the turn, which its after_agent_callback would "
            "end each time"
        )


def _ended_by(node: FunctionNode, chain: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """Puts a node last: behind a loop in place of its conclusion, or behind each way."""
    *nodes, last = chain
    if not isinstance(last, dict):
        return (*chain, node), []
    if "out" in last:
        return (*nodes, {**last, "out": node}), []
    return tuple(chain), [(way, node) for way in last.values()]


def open_graph() -> None:
    """Opens a graph: with no output of a node before, the next is shown the question only once."""


def conclusion() -> None:
    """Ends a graph: ADK warns of a route that leads nowhere."""


def opening(lead: LlmAgent, callbacks: Sequence[Callable[..., Any]]) -> FunctionNode:
    """Makes a node that runs what a lead runs before it answers, and may answer in its place."""

    async def open_with_callbacks(ctx: Context) -> types.Content | None:
        content = await _first_answer(lead, callbacks, ctx)
        ctx.route = "answered" if content else "asked"
        return content

    return FunctionNode(func=open_with_callbacks, name=f"before_{lead.name}")


def closing(lead: LlmAgent, callbacks: Sequence[Callable[..., Any]]) -> FunctionNode:
    """Makes a node that runs what a lead runs after it answered, and may answer once more."""

    async def run_callbacks(ctx: Context, node_input: Any) -> types.Content | None:
        return await _first_answer(lead, callbacks, ctx)

    return FunctionNode(func=run_callbacks, name=f"after_{lead.name}")


async def _first_answer(
    lead: LlmAgent, callbacks: Sequence[Callable[..., Any]], ctx: Context
) -> types.Content | None:
    """Runs callbacks as ADK does until one of them answers (2.13, base_agent.py)."""
    invocation = ctx._invocation_context.model_copy(update={"agent": lead})
    context = Context(invocation, event_actions=ctx.actions)
    for callback in callbacks:
        content = callback(callback_context=context)
        if inspect.isawaitable(content):
            content = await content
        if content:
            return content
    return None
