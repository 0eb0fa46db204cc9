"""The tree of agents that a run is in: what an agent is there, and who gets the next message."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from adk_flow.log.paths import join_place, path_names
from adk_flow.record.extract import RELEASE

try:
    from google.adk.agents._agent_router import find_agent_to_run
except ImportError:  # earlier releases keep the question inside the Runner
    find_agent_to_run = None

_KEEPS_COORDINATORS = (2, 0) <= RELEASE < (2, 12)

ASKING = frozenset({"LlmAgent", "SequentialAgent", "ParallelAgent", "LoopAgent"})
"""Agents that ask a model, or run such."""

ELSEWHERE = frozenset({"ManagedAgent", "LangGraphAgent", "AntigravityAgent"})
"""ADK's that ask models by another SDK, or have a provider's server ask them (2.13)."""


@cache
def _names_of_bases(kind: type) -> frozenset[str]:
    return frozenset(base.__name__ for base in kind.__mro__)


def kind_of_agent(agent: object) -> str:
    """Classifies an agent that asks no model of ADK's, see `Record.kind`."""
    names = _names_of_bases(type(agent))  # that of A2A needs a2a-sdk
    if "RemoteA2aAgent" in names:
        return "a2a"
    if not names.isdisjoint(ELSEWHERE):
        return "elsewhere"
    return "code" if names.isdisjoint(ASKING) else ""


def root_of(context: Any) -> Any:
    """Finds an app's root agent; a graph by the Runner, as no context has it (2.13, runners.py)."""
    if context.agent is not None:
        return getattr(context.agent, "root_agent", context.agent)
    frame = sys._getframe(1)
    while frame is not None:
        runner: Any = frame.f_locals.get("runner") or frame.f_locals.get("self")
        if hasattr(runner, "agent") and hasattr(runner, "session_service"):
            return runner.agent
        frame = frame.f_back
    return None


class SharedNames:
    """Names that several agents, graphs or functions of an app have, until the app changes."""

    def __init__(self) -> None:
        self._latest: tuple[Any, list[Any], list[tuple[int, int]], frozenset[str]] | None = None
        """A root, the agents with a model below it, how much each has below it, and the names."""

    def of(self, root: Any) -> frozenset[str]:
        """Gives those of the app with this root; looks for them where it is another, or grew."""
        known, asking, sizes, names = self._latest or (None, [], [], frozenset())
        if root is not known or _sizes_of(asking) != sizes:
            asking, names = _find_shared(root)
            self._latest = root, asking, _sizes_of(asking), names
        return names


def _find_shared(root: Any) -> tuple[list[Any], frozenset[str]]:
    """Finds the agents that ask a model, and the names that several agents and nodes have."""
    bearers: dict[str, set[int]] = {}
    asking: list[Any] = []
    pending: list[tuple[Any, int]] = [(root, id(root))]
    while pending:
        node, identity = pending.pop()
        others = bearers.setdefault(getattr(node, "name", ""), set())
        if identity not in others:
            others.add(identity)
            pending += _below(node)
            if _is_llm_agent(node):
                asking.append(node)
    return asking, frozenset(name for name, others in bearers.items() if len(others) > 1)


def _sizes_of(agents: list[Any]) -> list[tuple[int, int]]:
    return [(len(agent.sub_agents), len(agent.tools)) for agent in agents]


def _below(node: Any) -> Iterator[tuple[Any, int]]:
    """Gives what an agent or graph may run, each with what tells it apart.

    A graph holds copies of its nodes, of which each has a name of its own there.
    """
    yield from ((child, id(child)) for child in getattr(node, "sub_agents", ()))
    for tool in getattr(node, "tools", ()):
        called = getattr(tool, "agent", None) or getattr(tool, "node", None)
        if called is not None and hasattr(called, "name"):
            yield called, id(called)
        elif hasattr(tool, "graph"):
            yield tool, id(tool)
    edges = getattr(getattr(node, "graph", None), "edges", ())
    ends = {end.name: end for edge in edges for end in (edge.from_node, edge.to_node)}
    yield from ((end, hash((id(node), name))) for name, end in ends.items())


def place_in_app(agent: Any, shared: frozenset[str], path: str = "", caller: str = "") -> str:
    """Writes the place of an agent whose name others in the app have too; else empty.

    Args:
      agent: the agent.
      shared: the app's `shared_names`.
      path: ADK's path of the node that it runs in.
      caller: whose tool its run is, if it is one.
    """
    if agent.name not in shared:
        return ""
    below: list[str] = []
    while getattr(agent, "parent_agent", None) is not None:
        below.append(agent.name)
        agent = agent.parent_agent
    above = path_names(path)
    while above and above[-1] != agent.name:
        above.pop()
    return join_place(caller, [*(above or [agent.name]), *reversed(below)])


def stages_of(agent: Any) -> tuple[str, ...]:
    """Names the agents that a sequence runs one after another; of any other agent none."""
    if "SequentialAgent" not in _names_of_bases(type(agent)):
        return ()
    return tuple([stage.name for stage in agent.sub_agents])


def agent_named(name: str, context: Any) -> Any:
    """Finds an agent of the tree that a run is in; None for a graph, or the name of none."""
    agent = context.agent
    if getattr(agent, "name", "") == name and hasattr(agent, "root_agent"):
        return agent
    root = getattr(agent, "root_agent", None)
    return root.find_agent(name) if root is not None else None


def next_active_agent(context: Any, shared: frozenset[str]) -> str:
    """Asks ADK which agent it would give the next user message to; empty if it cannot say.

    By its place, if its name is one of those `shared`.
    """
    agent = context.agent
    if agent is None:
        return ""
    root = agent.root_agent
    if _is_llm_agent(root) and (not root.sub_agents or _begins_anew(root)):
        return root.name  # ADK looks through the whole session to say so
    find = find_agent_to_run or _question_of_runner(context)
    if not find:
        return ""
    found = find(context.session, root)
    if _may_have_tasks(root) and _replays_transfer(found.name, context.session):
        return ""
    return place_in_app(found, shared) or found.name


def _is_llm_agent(agent: object) -> bool:
    return "LlmAgent" in _names_of_bases(type(agent))


def _begins_anew(root: Any) -> bool:
    """Whether each turn begins with the root: in ADK 2.0 to 2.11, if it delegates tasks."""
    return _KEEPS_COORDINATORS and any(
        getattr(one, "mode", None) == "task" for one in root.sub_agents
    )


def _may_have_tasks(agent: Any) -> bool:
    """Whether a tree has agents to which tasks are delegated, or graphs, which may hold some."""
    is_plain = _is_llm_agent(agent) and getattr(agent, "mode", None) != "task"
    return not is_plain or any(map(_may_have_tasks, agent.sub_agents))


def _replays_transfer(agent: str, session: Any) -> bool:
    """Whether ADK goes through an agent's transfers once more before the next message is read.

    It does so if a task's agent handed over and never called `finish_task`: the next message then
    joins the turn of the task (2.13, workflow/_node_runner_utils.py, `_find_active_task_scope`).
    """
    from google.adk import runners

    find_scope: Any = getattr(runners, "_find_active_task_scope", None)
    scope, invocation = (find_scope and find_scope(session)) or ("", "")
    if not scope:
        return False
    turn = [event for event in session.events if event.invocation_id == invocation]
    answered = any(one.id == scope for event in turn for one in event.get_function_responses())
    gone = any(event.author == agent and event.actions.transfer_to_agent for event in turn)
    return answered and gone


def _question_of_runner(context: Any) -> Callable[..., Any] | None:
    """Gives a Runner's own question of who is next, which needs nothing else of the Runner."""
    from google.adk.runners import Runner

    runner: Any = Runner.__new__(Runner)
    runner.resumability_config = getattr(context, "resumability_config", None)
    return getattr(runner, "_find_agent_to_run", None)
