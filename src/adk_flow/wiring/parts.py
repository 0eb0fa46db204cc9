"""The lead and the specialists of somebody's agent tree."""

from typing import NamedTuple

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.agents.sequential_agent import SequentialAgent
from google.adk.tools._node_tool import NodeTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import BaseNode, Workflow

from adk_flow._data import walk_once
from adk_flow.wiring.copies import WiringError

_STAGES = (SequentialAgent, ParallelAgent, LoopAgent)


class Parts(NamedTuple):
    """What an agent tree is made of."""

    lead: LlmAgent
    specialists: list[BaseAgent]
    left_out: list[str]
    """What is not rewired, each with its reason."""


def parts_of(root: BaseNode, *, deep: bool = False) -> Parts:
    """Takes a tree apart: its root is the lead, whom it hands over to or calls a specialist.

    A specialist keeps its own agents and tools; if `deep`, whoever it reaches is a specialist of
    the lead in its place.

    Raises:
      WiringError: the root is no agent that could lead, or there is nobody below it.
    """
    if not isinstance(root, LlmAgent):
        kind = type(root).__name__
        raise WiringError(f"{root.name} is a {kind}; under other constructs an LlmAgent must lead")
    specialists: dict[str, BaseAgent] = {}
    left_out = []
    top: list[BaseNode] = [root]
    below = walk_once(top, lambda node: _used_by(node) if deep or node is root else ())
    for node in [*below][1:]:
        if reason := _reason_against(node, {root.name, *specialists}, deep=deep):
            left_out.append(f"{node.name}: {reason}")
        elif isinstance(node, BaseAgent):
            specialists[node.name] = node
    if not specialists:
        raise WiringError("; ".join([f"{root.name} has no specialists", *left_out]))
    return Parts(root, list(specialists.values()), left_out)


def _reason_against(node: BaseNode, taken: set[str], *, deep: bool) -> str:
    kind = type(node).__name__
    if not isinstance(node, LlmAgent) and (
        not isinstance(node, BaseAgent) or node.parent_agent is None
    ):
        return f"a {kind}; it stays a tool under every construct"
    if node.name in taken:
        return "another agent has the same name"
    if deep and isinstance(node, _STAGES):
        return f"a {kind}; its agents are taken one by one, without their order"
    return ""


def _used_by(agent: BaseNode) -> list[BaseNode]:
    """Lists the agents and graphs that an agent uses, of which its specialists are made."""
    if not (isinstance(agent, LlmAgent) or (isinstance(agent, _STAGES) and agent.parent_agent)):
        return []
    tools = agent.tools if isinstance(agent, LlmAgent) else []
    called = (tool.agent for tool in tools if isinstance(tool, AgentTool))
    graphs = (tool.node for tool in tools if isinstance(tool, NodeTool))
    workflows = (node for node in graphs if isinstance(node, Workflow))
    return [*agent.sub_agents, *called, *workflows]
