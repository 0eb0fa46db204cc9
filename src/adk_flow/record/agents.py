"""The tree of agents that a run is in: what an agent is there, and who gets the next message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

try:
    from google.adk.agents._agent_router import find_agent_to_run
except ImportError:  # earlier releases keep the question inside the Runner
    find_agent_to_run = None

_COMPOSITES = frozenset({"SequentialAgent", "ParallelAgent", "LoopAgent"})


def kind_of_agent(agent: object) -> str:
    """Classifies an agent that speaks and asks no model, see `Record.kind`."""
    names = {kind.__name__ for kind in type(agent).__mro__}  # that of A2A needs a2a-sdk
    if "RemoteA2aAgent" in names:
        return "a2a"
    return "" if names & {"LlmAgent", *_COMPOSITES} else "code"


def place_in_tree(agent: Any, names: dict[int, Counter[str]]) -> str:
    """Writes an agent's place below its root, where others there have its name; else empty.

    Args:
      agent: the agent.
      names: what is known of trees, by root, which is added to.
    """
    root = getattr(agent, "root_agent", agent)
    if id(root) not in names:
        names[id(root)] = Counter(_names_below(root))
    if names[id(root)][agent.name] < 2:
        return ""
    steps: list[str] = []
    while agent is not root:
        steps.append(agent.name)
        agent = agent.parent_agent
    return "/".join(reversed(steps))


def _names_below(agent: Any) -> Iterable[str]:
    yield agent.name
    for child in getattr(agent, "sub_agents", ()):
        yield from _names_below(child)


def stages_of(agent: Any) -> tuple[str, ...]:
    """Names the agents that a sequence runs one after another; of any other agent none."""
    if not any(kind.__name__ == "SequentialAgent" for kind in type(agent).__mro__):
        return ()
    return tuple([stage.name for stage in agent.sub_agents])


def agent_named(name: str, context: Any) -> Any:
    """Finds an agent of the tree that a run is in; None for a graph, or the name of none."""
    agent = context.agent
    if getattr(agent, "name", "") == name and hasattr(agent, "root_agent"):
        return agent
    root = getattr(agent, "root_agent", None)
    return root.find_agent(name) if root is not None else None


def next_active_agent(context: Any) -> str:
    """Asks ADK which agent it would give the next user message to; empty if it cannot say."""
    agent = context.agent
    if agent is None:
        return ""
    root = agent.root_agent
    if _is_llm_agent(root) and not root.sub_agents:
        return root.name  # ADK looks through the whole session to say so
    find = find_agent_to_run or _question_of_runner(context)
    if not find:
        return ""
    found = find(context.session, root)
    if _may_have_tasks(root) and _replays_transfer(found.name, context.session):
        return ""
    return place_in_tree(found, {}) or found.name


def _is_llm_agent(agent: object) -> bool:
    return any(kind.__name__ == "LlmAgent" for kind in type(agent).__mro__)


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
