"""A strict coordinator: the lead hands every child a sub-goal, children work at once, it merges.

    START ─► dispatch ─┬─► ask_Weather ─┬─► join ─► merge
                       ├─► ask_Transit ─┤
                       └────────────────┘

The lead makes two model calls, one of them again if its dispatch was refused. Every turn stands
alone: the lead is shown the goal, a child its sub-goal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.utils.content_utils import to_user_content
from google.adk.workflow import FunctionNode, JoinNode, RetryConfig, Workflow
from google.genai import types

from adk_flow.errors import AdkFlowError
from adk_flow.record.extract import words_of
from adk_flow.wiring.coordination import ASK, CoordinatorRun
from adk_flow.wiring.copies import Team, WiringError, joined
from adk_flow.wiring.dispatch import (
    GUARDRAIL,
    DispatchError,
    Guardrail,
    as_json,
    asking_again,
    deaf_to_calls,
    fault_of,
    refuse_calls_alone,
    schema_of_sub_goals,
)
from adk_flow.wiring.nodes import (
    RETRY,
    TIMEOUT,
    Child,
    as_asked,
    as_failed,
    as_said,
    as_text,
    bounded,
    outcome,
    quoted,
    running,
    state_after,
)

DISPATCH = (
    "Give each of your specialists a sub-goal: what it is to find out for the goal, in words that "
    "need no other context and hold nothing that only another specialist needs. Do no work "
    "yourself. The specialists are:"
)
MERGE = (
    "Your specialists have worked on their sub-goals. Write what the goal asks for from what they "
    "said, adding nothing, and name what is missing because a specialist failed."
)


def coordinator(
    name: str,
    lead: LlmAgent,
    children: Sequence[Child],
    *,
    timeout: float = TIMEOUT,
    retry: RetryConfig = RETRY,
    guardrail: Guardrail = GUARDRAIL,
) -> Workflow:
    """Makes a coordinator of copies of a lead and its children; it may itself be a child.

    Args:
      name: of the graph, which no agent in it may have.
      lead: the agent that dispatches and merges; its tools and sub-agents play no part.
      children: agents, or graphs such as another coordinator. A child's own `timeout` and
        `retry_config` go first, and a child without a model has the lead's.
      timeout: seconds that a child has for one attempt.
      retry: how often and when a child that failed or took too long is run again.
      guardrail: what a sub-goal must not be.

    Raises:
      WiringError: there are no children, two go by the same name, or a forbidden pattern is none.
    """
    _check(name, lead, children)
    _check_patterns(name, guardrail)
    team = Team(lead, [child for child in children if isinstance(child, LlmAgent)])
    copies = {copy.name: copy for copy in team.copies(include_contents="none")}
    asks = [_asking(bounded(copies.get(child.name, child), timeout, retry)) for child in children]
    dispatch, merge = _dispatching(team, children, guardrail), _merging(team, name, children)
    join = JoinNode(name="join")
    return Workflow(
        name=name,
        description=lead.description,
        edges=[("START", dispatch, tuple(asks), join, merge), (dispatch, join)],
    )


async def coordinate(root: Workflow | App, goal: str) -> CoordinatorRun:
    """Runs a coordinator, or the app of one, in a session of its own, in memory.

    Raises:
      DispatchError: what the lead dispatched was refused twice.
      MergeError: the lead called a function in place of merging.
      AdkFlowError: there is no answer, because a child waits for a human.
    """
    app = root if isinstance(root, App) else App(name=root.name, root_agent=root)
    state = await state_after(app, goal)
    name = app.root_agent.name if app.root_agent else ""
    if _state_key(name) not in state:
        raise AdkFlowError(f"{name} came to no answer: one of its children waits for a human")
    return msgspec.convert(state[_state_key(name)], CoordinatorRun)


def _state_key(name: str) -> str:
    return f"{name}_run"


def _check(name: str, lead: LlmAgent, children: Sequence[Child]) -> None:
    if not children:
        raise WiringError(f"{name} has no children to coordinate")
    taken = [name, lead.name, *(child.name for child in children)]
    if twice := next((one for one in taken if taken.count(one) > 1), ""):
        raise WiringError(f"{name}: two go by the name {twice}; each needs a name of its own")


def _check_patterns(name: str, guardrail: Guardrail) -> None:
    for pattern in guardrail.forbidden:
        try:
            re.compile(pattern)
        except re.error as error:
            raise WiringError(f"{name}: {pattern!r} is no pattern: {error}") from None


def _dispatching(team: Team, children: Iterable[Child], guardrail: Guardrail) -> FunctionNode:
    names = [child.name for child in children]
    listed = [f"{child.name}: {child.description}" for child in children]
    instructed = _instructed(team.lead, "\n".join([DISPATCH, *listed]))
    # A plain JSON schema: ADK would drop an unknown child in silence from a Pydantic model's.
    schema = schema_of_sub_goals({child.name: child.description for child in children})
    lead = _deaf(team, instructed, as_json, output_schema=schema, output_key=None)

    async def dispatch(ctx: Context, node_input: Any) -> dict[str, Any]:
        goal = to_user_content(node_input)
        answer = await ctx.run_node(lead, goal)
        calls, fault = 1, fault_of(answer, names, guardrail)
        if fault:
            answer = await ctx.run_node(lead, asking_again(goal, answer, fault))
            calls, fault = 2, fault_of(answer, names, guardrail)
        if fault:
            raise DispatchError(f"{lead.name}'s dispatch was refused twice: {fault}")
        sub_goals = {name: answer[name] for name in names}
        return {"goal": words_of(goal), "sub_goals": sub_goals, "parent_calls": calls}

    return running(dispatch, "dispatch")


def _asking(child: Child) -> FunctionNode:
    """Makes a node that gives a child its sub-goal, and survives its failure."""

    async def ask(ctx: Context, node_input: dict[str, Any]) -> dict[str, str]:
        sub_goal = node_input["sub_goals"][child.name]
        came = await outcome(ctx, child, sub_goal)
        return {"answer": as_text(came["answer"])} if "answer" in came else came

    return running(ask, f"{ASK}{child.name}")


def _merging(team: Team, name: str, children: Sequence[Child]) -> FunctionNode:
    lead = _deaf(team, _instructed(team.lead, MERGE), refuse_calls_alone)

    async def merge(ctx: Context, node_input: dict[str, Any]) -> Any:
        sent = node_input["dispatch"]
        came = {child.name: node_input[f"{ASK}{child.name}"] for child in children}
        told = [line for one in children for line in _told(one, sent["sub_goals"], came)]
        parts = [types.Part(text=sent["goal"]), *(quoted(told).parts or ())]
        answer = await ctx.run_node(lead, types.UserContent(parts), use_as_output=True)
        run = CoordinatorRun(
            goal=sent["goal"],
            sub_goals=sent["sub_goals"],
            answers={child: one["answer"] for child, one in came.items() if "answer" in one},
            answer=as_text(answer),
            parent_calls=sent["parent_calls"] + 1,
        )
        ctx.state[_state_key(name)] = msgspec.to_builtins(run)
        return answer  # which a coordinator above waits for; what the user reads was said already

    return running(merge, "merge")


def _told(child: Child, sub_goals: dict[str, str], came: dict[str, dict[str, str]]) -> list[str]:
    one = came[child.name]
    said = as_said(child, one["answer"]) if "answer" in one else as_failed(child, one["failed"])
    return [as_asked(child, sub_goals[child.name]), said]


def _instructed(lead: LlmAgent, sentence: str) -> Any:
    # As a function's result, so that ADK takes no braces in a description for session state.
    return joined([lead.instruction, lambda _: sentence])


def _deaf(team: Team, instruction: Any, reading: Any, **update: Any) -> LlmAgent:
    """Copies the lead for one model call, without tools, that hears only what it is given."""
    told = [*team.lead.canonical_after_model_callbacks, deaf_to_calls, reading]
    return team.leading(
        instruction=instruction,
        tools=[],
        include_contents="none",
        after_model_callback=told,
        **update,
    )
