"""An app's agents as a plan sees them: whose a task is, and who stands on the way to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Literal, NamedTuple

from google.adk.agents.llm_agent import LlmAgent

from adk_flow._adk import BaseNode, Workflow
from adk_flow.inspect.agent_graph import agents_of, tools_of, uses_of
from adk_flow.models.request.schemas import resolve_schema
from adk_flow.models.request.values import free_property
from adk_flow.scenario.plan import Task


class Hop(NamedTuple):
    """The next step to an agent: a call, or a transfer."""

    how: Literal["call", "transfer"]
    agent: str


class AgentMap:
    """The agents and graphs of an app, by name."""

    def __init__(self, root: BaseNode) -> None:
        self.root = root
        self.nodes: dict[str, list[BaseNode]] = {}
        for node in agents_of(root):
            self.nodes.setdefault(node.name, []).append(node)
        self._below: dict[str, frozenset[str]] = {}

    @cached_property
    def leads(self) -> list[str]:
        """The agents that a user's message reaches first."""
        return list(dict.fromkeys(agent.name for agent in _first_agents(self.root)))

    def owners(self, task: Task) -> list[str]:
        """Names whose task it is: its agent, else whoever has its tools, else the lead.

        An agent that only chooses by a schema is there for a task of data alone; nobody takes over
        a task that only asks others.
        """
        is_data = isinstance(task.says, (dict, list))
        if task.agent in self.nodes and (is_data or not self._only_chooses(task.agent)):
            return [task.agent]
        if task.only_asks:
            return []
        needed = {call.name for call in task.calls}
        able = [name for name in self.nodes if needed <= self._tools(name)] if needed else []
        return able or self.leads

    def _only_chooses(self, name: str) -> bool:
        schemas = [getattr(node, "output_schema", None) for node in self.nodes[name]]
        return all(one is not None and not free_property(resolve_schema(one)) for one in schemas)

    def _tools(self, name: str) -> set[str]:
        tools = [tool for node in self.nodes[name] for tool in tools_of(node)]
        return {getattr(tool, "name", "") or getattr(tool, "__name__", "") for tool in tools}

    def below(self, name: str) -> frozenset[str]:
        """Names whom an agent or graph uses, at any depth."""
        if name not in self._below:
            used = (node.name for top in self.nodes.get(name, ()) for node in agents_of(top))
            self._below[name] = frozenset(used) - {name}
        return self._below[name]

    def is_on_the_way(self, name: str, owners: Iterable[str]) -> bool:
        """Whether an agent is one of the owners, or uses one."""
        return any(owner == name or owner in self.below(name) for owner in owners)

    def hop(
        self, agent: str, owners: Collection[str], called: Collection[str], targets: Iterable[str]
    ) -> Hop | None:
        """Finds the way from an agent to one of the owners; None if it has none.

        Args:
          agent: where the way begins.
          owners: where it may end.
          called: the agents that it may call.
          targets: those to which it may transfer.
        """
        legal = [name for name in targets if name in self.nodes and self._may_leave(agent, name)]
        above = [name for name in legal if agent in self.below(name)]
        beside = [name for name in legal if name not in above]
        ways = [
            *(Hop("call", name) for name in called if name in owners),
            *(Hop("transfer", name) for name in legal if name in owners),
            *(Hop("call", name) for name in called if self.is_on_the_way(name, owners)),
            *(Hop("transfer", name) for name in beside if self.is_on_the_way(name, owners)),
        ]
        if not self.is_on_the_way(agent, owners):
            ways += [Hop("transfer", name) for name in above]
        return next(iter(ways), None)

    def _may_leave(self, agent: str, target: str) -> bool:
        # ADK offers an agent that was called for one answer a transfer to whoever called it, too
        # (2.13, extensions/_agent_transfer.py).
        modes = {getattr(node, "mode", None) for node in self.nodes.get(agent, ())}
        return target in self.below(agent) or not modes & {"single_turn", "task"}


def _first_agents(node: BaseNode) -> Iterator[LlmAgent]:
    """Walks the agents that a node runs before any other."""
    if isinstance(node, LlmAgent):
        yield node
        return
    if isinstance(node, Workflow) and node.graph is not None:
        yield from _first_of_graph(node)
        return
    yield from (agent for use in uses_of(node) for agent in _first_agents(use.node))


def _first_of_graph(graph: Workflow) -> Iterator[LlmAgent]:
    """Follows a graph's edges from its start until they come upon agents."""
    edges = graph.graph.edges if graph.graph else ()
    waiting = [edge.to_node for edge in edges if edge.from_node.name == "__START__"]
    seen: set[str] = set()
    for node in waiting:
        if node.name in seen:
            continue
        seen.add(node.name)
        found = list(_first_agents(node))
        yield from found
        if not found:
            waiting += [edge.to_node for edge in edges if edge.from_node.name == node.name]
