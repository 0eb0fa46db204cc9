"""The constructs that are ADK 2 Workflows: graphs of agents and plain functions.

An agent in a graph is shown its own part of the conversation (what the user said and what it said
itself) and the output of the node before; what other nodes say, ADK keeps from it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.events.event import Event
from google.adk.tools._node_tool import NodeTool
from google.adk.workflow import FunctionNode, JoinNode, Workflow
from google.genai import types

from adk_flow._data import as_words
from adk_flow.wiring.agents import single_agent
from adk_flow.wiring.best_of import wire_best_of
from adk_flow.wiring.coordination import wire_coordinator
from adk_flow.wiring.copies import ROUNDS, Team
from adk_flow.wiring.lead_callbacks import check_single_part, conclusion, graph_without
from adk_flow.wiring.nodes import ASK, as_said, nodes_of, quoted, running

STAGES = "specialists"
"""The name of the graph that a lead calls as a tool."""
_UNLIMITED: dict[str, Any] = {"conversation": True, "timeout": None, "retry": None}
"""No other construct sets its agents any limits."""
TEMPERATURES = (0.0, 0.5, 1.0)
"""Of the candidates that `best_of_n` chooses from: all that they differ in."""


def coordinator(team: Team) -> Workflow:
    """The lead shares out the question, specialists answer side by side, the lead sums up."""
    check_single_part(team.lead, "coordinator")
    return wire_coordinator(
        *(team.graph_name("coordinator"), team.lead, team.specialists),
        **_UNLIMITED,
    )


def sequential(team: Team) -> Workflow:
    """Specialists one after the other: each is given what the one before said."""
    return graph_without(team.lead, team.graph_name("sequential"), *_stages(team)[:-1])


def _stages(team: Team) -> list[LlmAgent | FunctionNode]:
    """Gives the specialists in order, each followed by a node that tells what it said."""
    return [node for agent in nodes_of(team) for node in (agent, telling(agent))]


def telling(agent: LlmAgent) -> FunctionNode:
    """Makes a node that tells what an agent said to those after it."""

    def tell(node_input: Any) -> Event:
        return Event(output=quoted([as_said(agent, node_input)]))

    return FunctionNode(func=tell, name=f"tell_{agent.name}")


def workflow_tool(team: Team) -> LlmAgent:
    """The lead calls a Workflow as a tool, in which specialists work one after the other."""
    agents = nodes_of(team, include_contents="none")
    does = "Has each of these work on a request, one after the other:"
    graph = Workflow(
        name=team.graph_name(STAGES),
        description="\n".join([does, *(f"{agent.name}: {agent.description}" for agent in agents)]),
        input_schema=str,
        edges=[("START", *map(handing_on, agents), sum_up)],
    )
    return team.leading(calling=[NodeTool(graph)])


def handing_on(agent: LlmAgent) -> FunctionNode:
    """Makes a node that gives an agent the request and what those before it said."""

    async def ask(ctx: Context, node_input: Any) -> list[str]:
        request, *said = node_input if isinstance(node_input, list) else [node_input]
        context = (quoted(said).parts or []) if said else []
        answer = await ctx.run_node(agent, types.UserContent([request, *context]))
        return [request, *said, as_said(agent, answer)]

    return running(ask, f"{ASK}{agent.name}")


def sum_up(node_input: list[str]) -> str:
    """Gives a caller what all agents said."""
    return "\n\n".join(node_input[1:])


def parallel(team: Team) -> Workflow:
    """Specialists at once; their answers are put together as they are."""
    specialists, join = nodes_of(team), JoinNode(name="join")
    nodes = tuple(specialists), join, gathering(team.names)
    return graph_without(team.lead, team.graph_name("parallel"), *nodes)


def gathering(names: Sequence[str]) -> Callable[..., types.Content]:
    """Makes a function that puts together what agents said."""

    def gather(node_input: dict[str, Any]) -> types.Content:
        texts = [f"{name}: {as_words(node_input[name])}" for name in names]
        return types.ModelContent("\n\n".join(texts))

    return gather


def loop(team: Team) -> Workflow:
    """Specialists round after round, until the last round or until one of them escalates."""
    stages = _stages(team)
    ways = {"again": stages[0], "out": conclusion}
    return graph_without(team.lead, team.graph_name("loop"), *stages, going_on(ROUNDS), ways)


def going_on(rounds: int) -> Callable[..., Event]:
    """Makes a function that sends a loop round again, so many times."""

    def go_on(ctx: Context, node_input: Any) -> Event:
        # ADK numbers the runs of a node from 1 in each turn.
        is_last = int(ctx.run_id) >= rounds or _has_escalated(ctx)
        ctx.route = "out" if is_last else "again"
        return Event(output=node_input)

    return go_on


def best_of_n(team: Team) -> Workflow:
    """The whole work done by several agents at once, of whose answers the lead chooses one."""
    check_single_part(team.lead, "best_of_n")
    config = team.lead.generate_content_config or types.GenerateContentConfig()
    configs = [config.model_copy(update={"temperature": each}) for each in TEMPERATURES]
    candidates = [
        single_agent(team, name=f"{team.lead.name}_{number}", generate_content_config=config)
        for number, config in enumerate(configs, start=1)
    ]
    return wire_best_of(team.graph_name("best_of_n"), candidates, team.lead, **_UNLIMITED)


def _has_escalated(ctx: Context) -> bool:
    """Whether an agent has left the loop in this turn, as ADK's `exit_loop` does."""
    events = (event for event in ctx.session.events if event.invocation_id == ctx.invocation_id)
    return any(event.actions.escalate for event in events)
