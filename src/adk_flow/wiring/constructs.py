"""Which constructs there are, and the one function that wires each."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.agents.sequential_agent import SequentialAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow

from adk_flow.wiring import agents, graphs, routers
from adk_flow.wiring.copies import ROUNDS, Team, WiringError
from adk_flow.wiring.peers import Peers
from adk_flow.wiring.skills import wire_skills

_WIRINGS: dict[str, Callable[[Team], BaseAgent | Workflow]] = {
    "single_agent": agents.single_agent,
    "advisor": agents.advisor,
    "skills": wire_skills,
    "transfer": agents.wire_transfer,
    "agent_tool": agents.agent_tool,
    "agent_tool_skip_summarization": agents.agent_tool_skip_summarization,
    "mixed": agents.mixed,
    "single_turn": agents.single_turn,
    "task": agents.task,
    "workflow_tool": graphs.workflow_tool,
    "router": routers.router,
    "classifier_router": routers.classifier_router,
    "router_many": routers.router_many,
    "coordinator": graphs.coordinator,
    "sequential": graphs.sequential,
    "parallel": graphs.parallel,
    "loop": graphs.loop,
    "best_of_n": graphs.best_of_n,
    "remote": agents.wire_remote,
}
_DEPRECATED_WIRINGS: dict[str, Callable[[Team], BaseAgent]] = {
    "deprecated_sequential": partial(agents.wire_deprecated, SequentialAgent, name="sequential"),
    "deprecated_parallel": partial(agents.wire_deprecated, ParallelAgent, name="parallel"),
    "deprecated_loop": partial(
        agents.wire_deprecated, LoopAgent, name="loop", max_iterations=ROUNDS
    ),
}

TAKES_ANY_AGENT = frozenset(
    {"transfer", "agent_tool", "agent_tool_skip_summarization", "mixed", "remote"}
)
"""Constructs whose specialists need not be LlmAgents: a remote agent, a SequentialAgent."""

ON_DEMAND = ("remote",)
"""Constructs that are no part of all: a second process has to load the app."""
CONSTRUCTS = tuple(name for name in _WIRINGS if name not in ON_DEMAND)
MEANINGS = {name: (wiring.__doc__ or "").partition("\n")[0] for name, wiring in _WIRINGS.items()}
"""What each construct is, a sentence each."""
IN_ADK = {
    "single_agent": "one `LlmAgent` with every instruction and tool",
    "advisor": "the same, with a `ModelConsultTool` (ADK 2.11) of a stronger model",
    "skills": "one `LlmAgent` with a `SkillToolset` (ADK 2.10), a skill a specialist",
    "transfer": "`sub_agents`; ADK gives `transfer_to_agent`",
    "agent_tool": "`tools=[AgentTool(specialist), …]`",
    "agent_tool_skip_summarization": "`AgentTool(specialist, skip_summarization=True)`",
    "mixed": "some in `sub_agents`, some in an `AgentTool`",
    "single_turn": '`sub_agents`, each with `mode="single_turn"`',
    "task": '`sub_agents`, each with `mode="task"`',
    "workflow_tool": "`tools=[Workflow(…)]`, of specialists in series; ADK 2.4",
    "router": "a `Workflow`: the lead names one, and a function routes",
    "classifier_router": "a `Workflow`: `ClassifierNode` (ADK 2.13), and a function routes",
    "router_many": "a `Workflow`: the lead names some, they answer at once, `JoinNode`, the lead",
    "coordinator": "a `Workflow`: the lead gives each its part, `JoinNode`, the lead",
    "sequential": "a `Workflow` of specialists in series",
    "parallel": "a `Workflow` of specialists at once, `JoinNode`, a function",
    "loop": "a `Workflow` of specialists in series, and a route back",
    "best_of_n": "a `Workflow`: the whole work n times at once, `JoinNode`, a selector",
    "remote": "`AgentTool(RemoteA2aAgent)`, specialists behind `to_a2a` in another process",
}
"""The lines of ADK that make each."""
DEPRECATED = tuple(_DEPRECATED_WIRINGS)
"""Constructs in the form of ADK's deprecated agents, no part of all."""


def wire(
    lead: LlmAgent,
    specialists: Sequence[BaseAgent],
    construct: str,
    *,
    called: Collection[str] = (),
    peers: Peers | None = None,
    advisor: str | BaseLlm = "",
) -> BaseAgent | Workflow:
    """Wires copies of a lead and its specialists under a construct; the originals stay as they are.

    Names, descriptions, instructions, tools, callbacks and models are theirs under every
    construct. `sequential`, `parallel` and `loop` are staged work and have no use for the lead.

    Args:
      lead: the agent that faces the user; whom it has as sub-agents or tools plays no part.
      specialists: the agents that it uses, with agents of their own; those of `TAKES_ANY_AGENT` may
        be other than LlmAgents.
      construct: one of `CONSTRUCTS`, `ON_DEMAND` or `DEPRECATED`.
      called: names of those whom `mixed` calls, the others being transferred to; by default those
        whom the lead has as an AgentTool, else the last.
      peers: the process in which the specialists of `remote` are.
      advisor: the model that `advisor` may ask; by default the lead's.

    Raises:
      WiringError: the construct is unknown, or these agents cannot be wired like that.
    """
    wirings = {**_WIRINGS, **_DEPRECATED_WIRINGS}
    if construct not in wirings:
        raise WiringError(f"{construct!r} is no construct; known are {', '.join(wirings)}")
    _check(lead, specialists, called, "" if construct in TAKES_ANY_AGENT else construct)
    named = frozenset(called) or _called_by(lead, specialists)
    return wirings[construct](Team(lead, specialists, named, peers, advisor))


def _check(
    lead: LlmAgent, specialists: Sequence[BaseAgent], called: Collection[str], strict: str
) -> None:
    names = [agent.name for agent in specialists]
    if not names:
        raise WiringError(f"{lead.name} has no specialists to be wired with")
    twice = next((name for name in names if [lead.name, *names].count(name) > 1), "")
    if twice:
        raise WiringError(f"two agents are named {twice}; each needs a name of its own")
    other = next((agent for agent in specialists if not isinstance(agent, LlmAgent)), None)
    if strict and other:
        raise WiringError(f"{strict} takes LlmAgents; {other.name} is a {type(other).__name__}")
    if strangers := sorted(set(called) - set(names)):
        raise WiringError(f"{strangers[0]} is none of the specialists {', '.join(names)}")


def _called_by(lead: LlmAgent, specialists: Sequence[BaseAgent]) -> frozenset[str]:
    """Names the specialists whom the lead calls already, else the last."""
    tools = [tool for tool in lead.tools if isinstance(tool, AgentTool)]
    names = {agent.name for agent in specialists}
    # An agent in another mode than chat is an AgentTool of ADK's own making.
    own = {tool.agent.name for tool in tools if tool.agent.parent_agent is None}
    return frozenset(names & own) or frozenset([specialists[-1].name])
