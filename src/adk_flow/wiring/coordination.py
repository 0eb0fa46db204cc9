"""A coordinator: the lead hands children sub-goals, they work at once, the lead merges.

    START ─► dispatch ─┬─► ask_Weather ─┬─► join ─► merge
                       ├─► ask_Transit ─┤
                       └────────────────┘

The lead makes two model calls, one of them again if its dispatch was refused. A child is shown its
sub-goal and nothing else.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import FunctionNode, JoinNode, RetryConfig, Workflow
from google.genai import types

from adk_flow._data import as_words
from adk_flow.wiring.copies import Team, WiringError
from adk_flow.wiring.dispatch import (
    GUARDRAIL,
    DispatchError,
    Guardrail,
    asking_again,
    checked_answers,
    drop_calls,
    fault_of,
    refuse_calls,
    schema_of_sub_goals,
)
from adk_flow.wiring.nodes import (
    ASK,
    RETRY,
    TIMEOUT,
    Child,
    as_message,
    bounded,
    check_names,
    nodes_of,
    prompted,
    quoted,
    report,
    running,
)

DISPATCH_TO_ALL = (
    "Give each of your specialists a sub-goal: what it is to find out for the goal, in words that "
    "need no other context and hold nothing that only another specialist needs. Do no work "
    "yourself. The specialists are:"
)
DISPATCH = (
    "For each specialist whom the latest question needs, answer with what it is to find out, in "
    "words that need no other context; for the others with nothing. The specialists are:"
)
MERGE = (
    "Your specialists have been asked and have answered. Answer the latest question from what they "
    "said, and say what could not be found out."
)


def wire_coordinator(
    name: str,
    lead: LlmAgent,
    children: Sequence[Child],
    *,
    conversation: bool = False,
    timeout: float | None = TIMEOUT,
    retry: RetryConfig | None = RETRY,
    guardrail: Guardrail = GUARDRAIL,
) -> Workflow:
    """Makes a coordinator of copies of a lead and its children; it may itself be a child.

    Args:
      name: of the graph, which no agent in it may have.
      lead: the agent that dispatches and merges.
      children: agents, or graphs such as another coordinator. A child's own `timeout` and
        `retry_config` go first, and a child without a model has the lead's.
      conversation: whether the lead hears the conversation, asks only the children it needs and
        has its tools while it merges; else it hears the goal alone, must ask them all, and has
        no tools.
      timeout: seconds that a child has for one attempt.
      retry: how often and when a child that failed or took too long is run again.
      guardrail: what a sub-goal must not be.

    Raises:
      WiringError: there are no children, two go by the same name, or a forbidden pattern is none.
    """
    if not children:
        raise WiringError(f"{name} has no children to coordinate")
    check_names(name, [lead, *children])
    _check_patterns(name, guardrail)
    team = Team(lead, [child for child in children if isinstance(child, LlmAgent)])
    copies = {copy.name: copy for copy in nodes_of(team, include_contents="none")}
    asks = [asking(bounded(copies.get(child.name, child), timeout, retry)) for child in children]
    dispatch = _dispatching_of(team, children, guardrail, conversation)
    merge, join = merging_of(team, children, conversation), JoinNode(name="join")
    return Workflow(
        name=name,
        description=lead.description,
        edges=[("START", dispatch, tuple(asks), join, merge), (dispatch, join)],
    )


def _check_patterns(name: str, guardrail: Guardrail) -> None:
    for pattern in guardrail.forbidden:
        try:
            re.compile(pattern)
        except re.error as error:
            raise WiringError(f"{name}: {pattern!r} is no pattern: {error}") from None


def _dispatching_of(
    team: Team, children: Iterable[Child], guardrail: Guardrail, conversation: bool
) -> FunctionNode:
    descriptions = {child.name: child.description for child in children}
    required = () if conversation else tuple(descriptions)
    listed = [f"{name}: {description}" for name, description in descriptions.items()]
    sentence = "\n".join([DISPATCH if conversation else DISPATCH_TO_ALL, *listed])
    # A plain JSON schema: ADK would drop an unknown child in silence from a Pydantic model's.
    schema = schema_of_sub_goals(descriptions, required)
    lead = prompted(
        team,
        sentence,
        conversation,
        tools=[],
        output_schema=schema,
        output_key=None,
        after_model_callback=checked_answers(team.lead),
    )
    return dispatching(lead, [*descriptions], required, guardrail, conversation)


def dispatching(
    lead: LlmAgent,
    names: Sequence[str],
    required: Sequence[str],
    guardrail: Guardrail,
    conversation: bool,
) -> FunctionNode:
    """Makes a node in which the lead gives children sub-goals, once more if they are refused."""

    async def dispatch(ctx: Context, node_input: Any) -> dict[str, Any]:
        goal = as_message(node_input)
        # Who hears the conversation has the question already.
        answer = await ctx.run_node(lead, None if conversation else goal)
        if fault := fault_of(answer, names, required, guardrail):
            asked = () if conversation else goal.parts or ()
            answer = await ctx.run_node(lead, asking_again(asked, answer, fault))
            if fault := fault_of(answer, names, required, guardrail):
                raise DispatchError(f"{lead.name}'s dispatch was refused twice: {fault}")
        return {"goal": goal.model_dump(exclude_none=True), "sub_goals": answer}

    return running(dispatch, "dispatch")


def asking(child: Child) -> FunctionNode:
    """Makes a node that asks a child for its sub-goal, if it has one, and survives its failure."""

    async def ask(ctx: Context, node_input: dict[str, Any]) -> list[str] | None:
        goal = node_input["sub_goals"].get(child.name)
        return await report(ctx, child, goal, goal) if goal else None

    return running(ask, f"{ASK}{child.name}")


def merging_of(team: Team, children: Iterable[Child], conversation: bool) -> FunctionNode:
    """Makes a node in which a copy of the lead merges what children said."""
    reading = [*team.lead.canonical_after_model_callbacks, drop_calls, refuse_calls]
    alone: dict[str, Any] = {"tools": [], "after_model_callback": reading}
    lead = prompted(team, MERGE, conversation, **({} if conversation else alone))
    return merging(lead, [child.name for child in children], conversation)


def merging(lead: LlmAgent, names: Sequence[str], conversation: bool) -> FunctionNode:
    """Makes a node in which the lead merges what the nodes that asked children give."""

    async def merge(ctx: Context, node_input: dict[str, Any]) -> str:
        # In the children's order: a JoinNode's varies with the hash seed (2.13).
        lines = [line for name in names for line in node_input[f"{ASK}{name}"] or ()]
        goal = {} if conversation else node_input["dispatch"]["goal"]
        asked = types.Content.model_validate(goal).parts or []
        message = types.UserContent([*asked, *(quoted(lines).parts or ())])
        # A coordinator above waits for the output; what the user reads was said already.
        return as_words(await ctx.run_node(lead, message, use_as_output=True))

    return running(merge, "merge")
