"""The callbacks around a lead, kept where a graph has no place for the lead itself."""

from __future__ import annotations

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


def graph_led_by(lead: LlmAgent, name: str, *chain: Any) -> Workflow:
    """Makes a Workflow of nodes that follow each other, within a lead's callbacks.

    Its `before_agent` callbacks run first, and may answer in the graph's place; its `after_agent`
    callbacks run last. ADK has neither for a Workflow (2.13).

    Raises:
      WiringError: it has callbacks around model or tools, which run nowhere if it plays no part.
    """
    inner = [hook for hook in _INNER_HOOKS if getattr(lead, f"canonical_{hook}_callbacks")]
    if inner:
        raise WiringError(
            f"{lead.name} plays no part in {name}, so its {inner[0]}_callback would never run"
        )
    if after := lead.canonical_after_agent_callbacks:
        chain = _ended_by(_closing(lead, after), chain)
    before = lead.canonical_before_agent_callbacks
    if not before:
        return Workflow(name=name, edges=[("START", open_graph, *chain)])
    ways = {"asked": chain[0], "answered": conclusion}
    edges: list[Any] = [("START", _opening(lead, before), ways)]
    return Workflow(name=name, edges=[*edges, *([chain] if len(chain) > 1 else [])])


def _ended_by(node: FunctionNode, chain: Sequence[Any]) -> tuple[Any, ...]:
    """Puts a node last: behind a loop in place of its conclusion."""
    *nodes, last = chain
    return (*nodes, {**last, "out": node}) if isinstance(last, dict) else (*chain, node)


def open_graph() -> None:
    """Opens a graph: with no output of a node before, the next is shown the question only once."""


def conclusion() -> None:
    """Ends a graph: ADK warns of a route that leads nowhere."""


def has_agent_callbacks(agent: LlmAgent) -> bool:
    """Whether callbacks are run before or after an agent."""
    return bool(agent.before_agent_callback or agent.after_agent_callback)


def _opening(lead: LlmAgent, callbacks: Sequence[Callable[..., Any]]) -> FunctionNode:
    async def open_with_callbacks(ctx: Context) -> types.Content | None:
        content = await _first_answer(lead, callbacks, ctx)
        ctx.route = "answered" if content else "asked"
        return content

    return FunctionNode(func=open_with_callbacks, name=f"before_{lead.name}")


def _closing(lead: LlmAgent, callbacks: Sequence[Callable[..., Any]]) -> FunctionNode:
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
