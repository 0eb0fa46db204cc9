"""Graphs that send a question on as it is: to one specialist, or to as many as it needs.

        ┌─► ask_Loans ─┐
Lead ─► ┼─► ask_Funds ─┼─► join ─► merge
        └─► ask_Homes ─┘
"""

import warnings
from collections.abc import Callable
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import FunctionNode, JoinNode, Workflow

from adk_flow.record.extract import words_of
from adk_flow.wiring.coordination import merging_of
from adk_flow.wiring.copies import Team, WiringError
from adk_flow.wiring.lead_callbacks import (
    check_single_part,
    graph_without,
    open_graph,
    within_callbacks,
)
from adk_flow.wiring.nodes import ASK, nodes_of, prompted, report, running, schema_of_choice

CLASSIFY = "Answer with the name of the one specialist whom the latest question is for:"
NAME_ALL = "Answer with the names of all specialists whom the latest question is for, or none:"

ANSWER = "classifier_answer"
"""Where in the state a classifier leaves what it gives each specialist."""


def router(team: Team) -> Workflow:
    """One model call picks one specialist, who answers the user; router_many picks several."""
    lead = _classifying(
        team,
        CLASSIFY,
        output_schema=schema_of_choice("specialist", team.names),
        before_agent_callback=None,
        after_agent_callback=None,
    )
    answers = {agent.name: agent for agent in nodes_of(team)}
    return within_callbacks(
        team.lead, team.graph_name("router"), lead, routing("specialist"), answers
    )


def routing(field: str) -> Callable[..., None]:
    """Makes a function that sends a question to whom the lead named."""

    def route(ctx: Context, node_input: dict[str, str]) -> None:
        ctx.route = node_input[field]

    return route


def classifier_router(team: Team) -> Workflow:
    """A classifier picks one specialist by word embeddings, without a model call."""
    try:
        from google.adk.labs.classifiers import Choice, ClassifierNode

        from adk_flow.wiring.classifier import PlannedClassifier
    except ModuleNotFoundError as error:
        extra = "adk-flow's extra `offline`"
        needed = "google-adk 2.13 or newer" if "google.adk" in str(error) else extra
        raise WiringError(f"classifier_router needs {needed}") from None
    if len(team.specialists) < 2:
        raise WiringError("classifier_router needs two specialists or more to choose from")
    criteria = {agent.name: agent.description or agent.name for agent in team.specialists}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ADK's, that this is experimental
        classify = ClassifierNode(
            name="classify",
            classifier=PlannedClassifier(),
            question=Choice(criteria=criteria),
            answer_key=ANSWER,
        )
    answers = {agent.name: agent for agent in nodes_of(team)}
    return graph_without(
        *(team.lead, team.graph_name("classifier_router")),
        *(read_messages, classify, routing_by_state(ANSWER), answers),
    )


def routing_by_state(key: str) -> Callable[..., None]:
    """Makes a function that sends a question to whom a classifier chose."""

    def route(ctx: Context) -> None:
        ctx.route = ctx.state[key]["choice"]

    return route


def read_messages(ctx: Context) -> list[str]:
    """Gives what the user said so far, as a classifier knows nothing of earlier turns."""
    return [words_of(event.content) for event in ctx.session.events if event.author == "user"]


def router_many(team: Team) -> Workflow:
    """One model call picks one or more specialists, who answer at once, and the lead merges."""
    check_single_part(team.lead, "router_many")
    schema = schema_of_choice("specialists", team.names, several=True)
    lead = _classifying(team, NAME_ALL, output_schema=schema)
    agents = nodes_of(team)
    steps = (tuple(map(answering, agents)), JoinNode(name="join"), merging_of(team, agents, True))
    return Workflow(
        name=team.graph_name("router_many"), edges=[("START", open_graph, lead, *steps)]
    )


def _classifying(team: Team, sentence: str, **update: Any) -> LlmAgent:
    listed = [f"{agent.name}: {agent.description}" for agent in team.specialists]
    prompt = "\n".join([sentence, *listed])
    return prompted(team, prompt, conversation=True, tools=[], output_key=None, **update)


def answering(agent: LlmAgent) -> FunctionNode:
    """Makes a node that has an agent answer if it was picked, and survives its failure."""

    async def ask(ctx: Context, node_input: dict[str, list[str]]) -> list[str] | None:
        is_picked = agent.name in node_input["specialists"]
        return await report(ctx, agent, "the question", None) if is_picked else None

    return running(ask, f"{ASK}{agent.name}")
