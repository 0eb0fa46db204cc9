"""The lead and the specialists of somebody's agent tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.agents.sequential_agent import SequentialAgent
from google.adk.tools._node_tool import NodeTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import BaseNode, Workflow

from adk_flow.wiring.copies import WiringError

_STAGES = (SequentialAgent, ParallelAgent, LoopAgent)


class Parts(NamedTuple):
    """What an agent tree is made of."""

    lead: LlmAgent
    specialists: list[LlmAgent]
    left_out: list[str]
    """What is not rewired, each with its reason."""


def parts_of(root: BaseNode) -> Parts:
    """Takes a tree apart: its root is the lead, whoever it reaches at any depth a specialist.

    A specialist that has agents of its own keeps only its other tools.

    Raises:
      WiringError: the root is no agent that could lead, or there is nobody below it.
    """
    if not isinstance(root, LlmAgent):
        kind = type(root).__name__
        raise WiringError(f"{root.name} is a {kind}; under other constructs an LlmAgent must lead")
    specialists: dict[str, LlmAgent] = {}
    left_out = []
    for node in _below(root):
        if reason := _reason_against(node, {root.name, *specialists}):
            left_out.append(f"{node.name}: {reason}")
        elif isinstance(node, LlmAgent):
            specialists[node.name] = node
    if not specialists:
        raise WiringError("; ".join([f"{root.name} has no specialists", *left_out]))
    return Parts(root, list(specialists.values()), left_out)


def _reason_against(node: BaseNode, taken: set[str]) -> str:
    kind = type(node).__name__
    if isinstance(node, LlmAgent):
        return "another agent has the same name" if node.name in taken else ""
    if isinstance(node, _STAGES) and node.parent_agent is not None:
        return f"a {kind}; its agents are taken one by one, without their order"
    if isinstance(node, BaseAgent) and node.parent_agent is not None:
        return f"a {kind}; only an LlmAgent can be wired another way"
    return f"a {kind}; it stays a tool under every construct"


def _below(agent: BaseAgent) -> Iterator[BaseNode]:
    """Walks the agents and graphs that an agent uses, each once, depth first."""
    seen = {id(agent)}
    waiting = _used_by(agent)
    while waiting:
        node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, LlmAgent) or (isinstance(node, _STAGES) and node.parent_agent):
            waiting[:0] = _used_by(node)


def _used_by(agent: BaseAgent) -> list[BaseNode]:
    tools = agent.tools if isinstance(agent, LlmAgent) else []
    called = (tool.agent for tool in tools if isinstance(tool, AgentTool))
    graphs = (tool.node for tool in tools if isinstance(tool, NodeTool))
    workflows = (node for node in graphs if isinstance(node, Workflow))
    return [*agent.sub_agents, *called, *workflows]
