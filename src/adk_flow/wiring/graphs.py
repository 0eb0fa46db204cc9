"""The constructs that are ADK 2 Workflows: graphs of agents and plain functions.

An agent in a graph is shown its own part of the conversation (what the user said and what it said
itself) and the output of the node before; what other nodes say, ADK keeps from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.events.event import Event
from google.adk.workflow import FunctionNode, JoinNode, Workflow
from google.adk.workflow._errors import DynamicNodeFailError
from google.genai import types
from pydantic import BaseModel

from adk_flow.wiring.agents import single_agent
from adk_flow.wiring.copies import Team, joined
from adk_flow.wiring.nodes import (
    as_asked,
    as_failed,
    as_node,
    as_said,
    as_text,
    chained,
    quoted,
    running,
    schema_of_choice,
    schema_of_shares,
    temperatures,
)

CLASSIFY = "Answer with the name of the one specialist whom the latest question is for:"
DISPATCH = (
    "For each specialist whom the latest question needs, answer with what it is to find out, in "
    "words that need no other context; for the others with nothing. The specialists are:"
)
MERGE = (
    "Your specialists have been asked and have answered. Answer the latest question from what they "
    "said, and say what could not be found out."
)
SELECT = (
    "The latest question has been answered several times. Answer with the name of whoever answered "
    "it best."
)


def router(team: Team) -> Workflow:
    """One model call classifies, then the specialist answers the user."""
    lead = _deciding(team, _listing(CLASSIFY, team), schema_of_choice("specialist", team.names))

    def route(ctx: Context, node_input: dict[str, str]) -> None:
        ctx.route = node_input["specialist"]

    return chained("router", lead, route, {agent.name: agent for agent in _nodes(team)})


def coordinator(team: Team) -> Workflow:
    """The lead shares out the question, specialists answer side by side, the lead sums up."""
    dispatch = _deciding(team, _listing(DISPATCH, team), schema_of_shares(team.specialists))
    summing_up = _lead(team, MERGE)
    specialists = [_asking(agent) for agent in _nodes(team, include_contents="none")]

    async def merge(ctx: Context, node_input: dict[str, list[str] | None]) -> None:
        # In the specialists' order: a JoinNode's varies with the hash seed (2.13).
        told = [line for node in specialists for line in node_input[node.name] or ()]
        await ctx.run_node(summing_up, quoted(told), use_as_output=True)

    last = running(merge, "merge")
    return chained("coordinator", dispatch, tuple(specialists), JoinNode(name="join"), last)


def _asking(agent: LlmAgent) -> FunctionNode:
    """Makes a node that asks an agent for its share, if it has one, and survives its failure."""

    async def ask(ctx: Context, node_input: dict[str, str]) -> list[str] | None:
        goal = node_input.get(agent.name)
        if not goal:
            return None
        try:
            answer = as_said(agent, await ctx.run_node(agent, goal))
        except DynamicNodeFailError as failure:
            answer = as_failed(agent, failure.error)
        return [as_asked(agent, goal), answer]

    return running(ask, f"ask_{agent.name}")


def sequential(team: Team) -> Workflow:
    """Specialists one after the other: each is told what the one before said."""
    return chained("sequential", *_stages(team)[:-1])


def _stages(team: Team) -> list[LlmAgent | FunctionNode]:
    """Gives the specialists in order, each followed by a node that tells what it said."""
    return [node for agent in _nodes(team) for node in (agent, _telling(agent))]


def _telling(agent: LlmAgent) -> FunctionNode:
    def tell(node_input: Any) -> Event:
        return Event(output=quoted([as_said(agent, node_input)]))

    return FunctionNode(func=tell, name=f"tell_{agent.name}")


def parallel(team: Team) -> Workflow:
    """Specialists at once; their answers are put together as they are."""
    specialists = _nodes(team)

    def gather(node_input: dict[str, Any]) -> types.Content:
        texts = [f"{agent.name}: {as_text(node_input[agent.name])}" for agent in specialists]
        return types.ModelContent("\n\n".join(texts))

    return chained("parallel", tuple(specialists), JoinNode(name="join"), gather)


def loop(team: Team) -> Workflow:
    """Specialists round after round, until the last round or until one of them escalates."""
    stages = _stages(team)

    def go_on(ctx: Context, node_input: Any) -> Event:
        # ADK numbers the runs of a node from 1 in each turn.
        is_last = int(ctx.run_id) >= team.rounds or _has_escalated(ctx)
        ctx.route = "out" if is_last else "again"
        return Event(output=node_input)

    return chained("loop", *stages, go_on, {"again": stages[0], "out": conclusion})


def best_of_n(team: Team) -> Workflow:
    """The whole work done by several agents at once, of whose answers the lead chooses one."""
    candidates = [
        as_node(single_agent(team, name=name, generate_content_config=config))
        for name, config in _candidates(team)
    ]
    names = [agent.name for agent in candidates]
    select = _deciding(team, SELECT, schema_of_choice("best", names))

    async def choose(ctx: Context, node_input: dict[str, Any]) -> types.Content:
        told = [as_said(agent, node_input[agent.name]) for agent in candidates]
        chosen = await ctx.run_node(select, quoted(told))
        return types.ModelContent(as_text(node_input[chosen["best"]]))

    last = running(choose, "choose")
    return chained("best_of_n", tuple(candidates), JoinNode(name="join"), last)


def conclusion() -> None:
    """Ends a loop: ADK warns of a route that leads nowhere."""


def _lead(team: Team, sentence: str, **update: Any) -> LlmAgent:
    """Copies the lead as a node with a sentence more."""
    # As a function's result, so that ADK takes no braces in a description for session state.
    instruction = joined([team.lead.instruction, lambda _: sentence])
    return as_node(team.leading(instruction=instruction, **update))


def _deciding(team: Team, sentence: str, schema: type[BaseModel]) -> LlmAgent:
    """Copies the lead for one model call that fills a schema: no tools, and nothing to keep."""
    return _lead(team, sentence, output_schema=schema, tools=[], output_key=None)


def _listing(sentence: str, team: Team) -> str:
    """Adds the specialists to a sentence: without tools or targets ADK does not tell of them."""
    listed = [f"{agent.name}: {agent.description}" for agent in team.specialists]
    return "\n".join([sentence, *listed])


def _nodes(team: Team, **update: Any) -> list[LlmAgent]:
    return [as_node(agent) for agent in team.copies(**update)]


def _candidates(team: Team) -> Iterator[tuple[str, types.GenerateContentConfig]]:
    """Names the candidates and spreads their temperatures, which are all that they differ in."""
    config = team.lead.generate_content_config or types.GenerateContentConfig()
    for number, temperature in enumerate(temperatures(team.candidates), start=1):
        name = f"{team.lead.name}_{number}"
        yield name, config.model_copy(update={"temperature": temperature})


def _has_escalated(ctx: Context) -> bool:
    """Whether an agent has left the loop in this turn, as ADK's `exit_loop` does."""
    events = (one for one in ctx.session.events if one.invocation_id == ctx.invocation_id)
    return any(event.actions.escalate for event in events)
