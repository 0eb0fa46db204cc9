"""An app's agents as a plan sees them: whose a task is, and who stands on the way to whom."""

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Literal, NamedTuple

from google.adk.agents.llm_agent import LlmAgent

from adk_flow._adk import BaseNode, Workflow
from adk_flow._data import group_by
from adk_flow.inspect.agent_graph import agents_of, tool_name, tools_of, uses_of
from adk_flow.models.request.schemas import Schema, resolve_schema
from adk_flow.models.request.situation import skill_name
from adk_flow.models.request.values import choices_of
from adk_flow.scenario.plan import Task

TOOLS = "adk_additional_tools"
"""Where a skill names its tools (2.13, skills/models.py)."""


class Hop(NamedTuple):
    """The next step to an agent: a call, or a transfer."""

    how: Literal["call", "transfer"]
    agent: str


class AgentMap:
    """The agents and graphs of an app, by name."""

    def __init__(self, root: BaseNode) -> None:
        self.root = root
        self.nodes = group_by(agents_of(root), lambda node: node.name)
        self._below: dict[str, frozenset[str]] = {}

    @cached_property
    def leads(self) -> list[str]:
        """The agents that a user's message reaches first."""
        return list(dict.fromkeys(agent.name for agent in _first_agents(self.root)))

    def owners(self, task: Task) -> list[str]:
        """Names whose task it is: its agent, else whoever has its tools, else the lead.

        Tools that nobody has may be those of a lead's toolset, which are known in a run only.
        An agent that only chooses by a schema is there for a task of data alone; nobody takes over
        a task that only asks others.
        """
        is_data = isinstance(task.says, (dict, list))
        if task.agent in self.nodes:
            declared = [getattr(node, "output_schema", None) for node in self.nodes[task.agent]]
            schemas = [resolve_schema(schema) for schema in declared if schema is not None]
            if is_data or len(schemas) < len(declared) or not all(map(self._only_chooses, schemas)):
                return [task.agent]
        if task.only_asks:
            return []
        needed = {call.name for call in task.calls}
        if not needed:
            return self.leads
        able = [name for name in self.nodes if needed <= self._tools(name)]
        return able or [name for name in self.leads if "" in self._tools(name)]

    def _only_chooses(self, schema: Schema) -> bool:
        """Whether all that an answer of a shape must say is one of several, or who does what."""
        parts = schema.get("properties", {"": schema})
        needed = schema.get("required") or parts
        return all(name in self.nodes or choices_of(parts.get(name, {})) for name in needed)

    def names_agents(self, schema: Schema) -> bool:
        """Whether an answer of a shape says which agents are to act."""
        parts = schema.get("properties", {"": schema}).items()
        return any(
            name in self.nodes or self.nodes.keys() & choices_of(part) for name, part in parts
        )

    def knows(self, task: Task) -> bool:
        """Whether a task is somebody's by its agent's or skill's name, or may be by its tools.

        A toolset's tools are known in a run only.
        """
        if task.agent in self.nodes or any(self.skills_for(n, task, ()) for n in self.nodes):
            return True
        needed = {call.name for call in task.calls}
        tools = map(self._tools, self.nodes)
        return bool(needed) and any(needed <= own or "" in own for own in tools)

    def _tools(self, name: str) -> set[str]:
        tools = (tool for node in self.nodes[name] for tool in tools_of(node))
        # What skills bring is among them.
        return {tool_name(tool) for tool in tools if not hasattr(tool, "_skills")}

    def skills_for(self, name: str, task: Task, owners: Collection[str]) -> list[str]:
        """Names the skills of an agent that a task needs.

        That of its agent, else those that bring its tools, or an agent on the way to its owners.
        """
        toolsets = [tool for node in self.nodes.get(name, ()) for tool in tools_of(node)]
        skills: dict[str, list[str]] = {
            key: skill.frontmatter.metadata.get(TOOLS, [])
            for toolset in toolsets
            for key, skill in getattr(toolset, "_skills", {}).items()
        }
        if (own := skill_name(task.agent)) in skills:
            return [own]
        needed = {call.name for call in task.calls}
        ways = {tool for tools in skills.values() for tool in tools if tool in self.nodes}
        needed |= {tool for tool in ways if self.is_on_the_way(tool, owners)}
        return [key for key, tools in skills.items() if needed.intersection(tools)]

    def below(self, name: str) -> frozenset[str]:
        """Names whom an agent or graph uses, at any depth."""
        if name not in self._below:
            used = (node.name for top in self.nodes.get(name, ()) for node in agents_of(top))
            self._below[name] = frozenset(used) - {name}
        return self._below[name]

    def has_stages(self, name: str) -> bool:
        """Whether it asks no model, but has agents that do, such as a SequentialAgent."""
        asks = any(isinstance(node, LlmAgent) for node in self.nodes.get(name, ()))
        return bool(self.below(name)) and not asks

    def is_on_the_way(self, name: str, owners: Iterable[str]) -> bool:
        """Whether an agent is one of the owners, or uses one."""
        return any(owner == name or owner in self.below(name) for owner in owners)

    def hop(
        self, agent: str, owners: Collection[str], called: Collection[str], targets: Iterable[str]
    ) -> Hop | None:
        """Finds the way to one of the owners for an agent that may call and transfer to others."""
        # ADK offers an agent that was called for one answer a transfer to whoever called it, too
        # (2.13, extensions/_agent_transfer.py).
        modes = {getattr(node, "mode", None) for node in self.nodes.get(agent, ())}
        is_called = bool(modes & {"single_turn", "task"})
        below = self.below(agent)
        legal = [name for name in targets if name in (below if is_called else self.nodes)]
        above = [name for name in legal if agent in self.below(name)]
        peers = [name for name in legal if name not in above]
        ways = [
            *(Hop("call", name) for name in called if name in owners),
            *(Hop("transfer", name) for name in legal if name in owners),
            *(Hop("call", name) for name in called if self.is_on_the_way(name, owners)),
            *(Hop("transfer", name) for name in peers if self.is_on_the_way(name, owners)),
        ]
        if not self.is_on_the_way(agent, owners):
            ways += [Hop("transfer", name) for name in above]
        return next(iter(ways), None)


def _first_agents(node: BaseNode) -> Iterator[LlmAgent]:
    """Walks the agents that a node runs before any other."""
    if isinstance(node, LlmAgent):
        yield node
    elif isinstance(node, Workflow) and node.graph is not None:
        edges = node.graph.edges
        waiting = [edge.to_node for edge in edges if edge.from_node.name == "__START__"]
        seen: set[str] = set()
        for reached in waiting:
            if reached.name not in seen:
                seen.add(reached.name)
                agents = list(_first_agents(reached))
                yield from agents
                if not agents:
                    waiting += [one.to_node for one in edges if one.from_node.name == reached.name]
    else:
        yield from (agent for use in uses_of(node) for agent in _first_agents(use.node))
