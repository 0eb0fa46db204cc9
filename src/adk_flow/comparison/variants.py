"""A loaded app under other constructs, or doing one thing after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.tool_context import ToolContext
from google.adk.workflow import BaseNode, Workflow
from pydantic import ValidationError

from adk_flow._data import digest_of
from adk_flow._text import join_names
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import AS_IS, ONE_BY_ONE
from adk_flow.inspect.agent_graph import agents_of, tool_name
from adk_flow.inspect.settings import callbacks_of
from adk_flow.wiring import CONSTRUCTS, DEPRECATED, ON_DEMAND, Peers, WiringError, parts_of, wire
from adk_flow.wiring.changes import describe_changes, lost_tools
from adk_flow.wiring.constructs import TAKES_ANY_AGENT
from adk_flow.wiring.parts import Parts

KNOWN_CONSTRUCTS = (AS_IS, ONE_BY_ONE, *CONSTRUCTS, *ON_DEMAND, *DEPRECATED)


class Variants(NamedTuple):
    """An app under several constructs."""

    apps: dict[str, App]
    team: list[str]
    """The specialists."""
    skipped: dict[str, str]
    """Constructs that it cannot be wired as, with the reason."""
    changes: dict[str, list[str]]
    """What a construct changes besides the wiring."""
    incomplete: dict[str, str]
    """Constructs that lack somebody, or the lead's own tools, with what they lack."""
    notes: list[str]
    """What of it is not rewired, a sentence each."""


def make_variants(
    app: App,
    constructs: Sequence[str],
    *,
    deep: bool = False,
    peers: Peers | None = None,
    advisor: str = "",
) -> Variants:
    """Wires the lead and specialists of an app under each construct.

    An app that cannot be rewired has its own wiring, and the same with nothing at once. `deep` is
    as for `parts_of`, the rest as for `wire`; `peers` are started where a construct needs them.

    Raises:
      WiringError: it can be wired under none of them.
    """
    result = Variants({}, [], {}, {}, {}, [])
    rewired = [name for name in constructs if name not in (AS_IS, ONE_BY_ONE)]
    if AS_IS in constructs:
        result.apps[AS_IS] = app
    try:
        parts = parts_of(app.root_agent, deep=deep) if rewired and app.root_agent else None
    except WiringError as error:
        parts, constructs = None, [*constructs, ONE_BY_ONE]
        result.skipped.update(dict.fromkeys(rewired, str(error)))
    if ONE_BY_ONE in constructs:
        if reason := _why_concurrent(app):
            result.skipped[ONE_BY_ONE] = reason
        else:
            result.apps[ONE_BY_ONE] = make_serial(app)
    if parts:
        _rewire(app, parts, rewired, result, peers, advisor)
    if not result.apps:
        reasons = dict.fromkeys(result.skipped.values())
        raise WiringError("; ".join([*reasons, "as_is and one_by_one need no rewiring"]))
    return result


def _rewire(
    app: App,
    parts: Parts,
    constructs: Sequence[str],
    result: Variants,
    peers: Peers | None,
    advisor: str,
) -> None:
    lead, specialists, left_out = parts
    result.notes.extend(f"Not rewired: {what}." for what in left_out)
    result.team.extend(agent.name for agent in specialists)
    for name in constructs:
        fitting = [
            agent for agent in specialists if name in TAKES_ANY_AGENT or isinstance(agent, LlmAgent)
        ]
        try:
            wired = wire(lead, fitting, name, peers=peers, advisor=advisor)
            if peers and name in ON_DEMAND:
                peers.start()
        except WiringError as error:
            result.skipped[name] = str(error)
        except Exception as error:
            # What ADK or pydantic refuses of somebody's agents under one construct.
            words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            result.skipped[name] = f"{type(error).__name__}: {words}"
        else:
            result.apps[name] = app.model_copy(update={"root_agent": wired})
            absent = [_absence(agent) for agent in specialists if agent not in fitting]
            result.changes[name] = [*absent, *describe_changes(lead, specialists, name)]
            if lacking := [*absent, *lost_tools(lead, specialists, name)]:
                result.incomplete[name] = "; ".join(lacking)


def _absence(agent: BaseAgent) -> str:
    whose = f" of {join_names(below.name for below in agent.sub_agents)}"
    return f"{agent.name} is missing, a {type(agent).__name__}{whose if agent.sub_agents else ''}"


def _why_concurrent(app: App) -> str:
    """Says why an app cannot do one thing after the other; empty if it can."""
    nodes = list(agents_of(app.root_agent))
    for node in nodes:
        if isinstance(node, ParallelAgent):
            return f"{node.name} is a ParallelAgent, which has no limit to set"
    graph = next((node for node in nodes[1:] if isinstance(node, Workflow)), None)
    return f"{graph.name} is a graph within the app, which keeps its own limit" if graph else ""


def make_serial(app: App) -> App:
    """Copies an app so that its graph runs a node at a time, and its agents a call at a time.

    A graph within a graph keeps its own limit.
    """
    root = app.root_agent
    if isinstance(root, Workflow):
        root = root.model_copy(update={"max_concurrency": 1})
    return app.model_copy(update={"root_agent": root, "plugins": [*app.plugins, SerialCalls()]})


class SerialCalls(BasePlugin):
    """Lets each agent's function calls run one after the other, in the order they were asked."""

    def __init__(self) -> None:
        super().__init__(name="one_by_one")
        self._turns: dict[tuple[str, str, str], asyncio.Lock] = {}

    async def before_tool_callback(self, *, tool_context: ToolContext, **hook: Any) -> None:
        """Waits until the agent's call before has come back."""
        await self._turn(tool_context).acquire()

    async def after_tool_callback(self, *, tool_context: ToolContext, **hook: Any) -> None:
        """Lets the next call run; of an error made a result ADK tells twice."""
        lock = self._turn(tool_context)
        if lock.locked():
            lock.release()

    on_tool_error_callback = after_tool_callback

    def _turn(self, context: ToolContext) -> asyncio.Lock:
        invocation = context._invocation_context
        place = (invocation.invocation_id, invocation.branch or "", context.agent_name)
        return self._turns.setdefault(place, asyncio.Lock())


def identify(app: App, models: Sequence[str], slept: LatencyProfile | None) -> dict[str, str]:
    """Gives what makes runs comparable: the app, its agents and their wiring, model and pace."""
    kinds = [type(plugin) for plugin in app.plugins]
    # Its own play plans and keep models in check: how a run is made, not what is run.
    plugins = [kind.__name__ for kind in kinds if not kind.__module__.startswith("adk_flow.")]
    agents = "\n".join([*map(_describe, agents_of(app.root_agent)), *plugins])
    return {
        "app": app.name,
        "agents": digest_of(agents, 8),
        "model": ", ".join(models),
        "slept pace": repr(tuple(slept)) if slept else "none",
    }


_WRITTEN = (
    *("name", "description", "mode", "include_contents", "disallow_transfer_to_parent"),
    *("disallow_transfer_to_peers", "output_key", "output_schema"),
    *("max_concurrency", "max_iterations"),
)
"""Fields of agents and graphs whose values say how they were written."""

_INSTRUCTIONS = ("instruction", "static_instruction", "global_instruction")


def _describe(node: BaseNode) -> str:
    """Writes an agent or graph so that another wiring, or other words, give another text."""
    fields = [repr(getattr(node, name, None)) for name in _WRITTEN]
    instructions = [_written(getattr(node, name, "")) for name in _INSTRUCTIONS]
    callbacks = [(name, *map(_written, hooks)) for name, hooks in callbacks_of(node).items()]
    tools = list(map(tool_name, getattr(node, "tools", ())))
    below = [agent.name for agent in getattr(node, "sub_agents", ())]
    edges = [
        (edge.from_node.name, edge.to_node.name, repr(edge.route))
        for edge in getattr(getattr(node, "graph", None), "edges", ())
    ]
    config = getattr(node, "generate_content_config", None)
    written = [fields, instructions, callbacks, tools, below, edges, repr(config)]
    return repr((type(node).__name__, written))


def _written(value: object) -> object:
    """Gives a text, or a function as its name and code: where it lies differs from run to run."""
    if not callable(value):
        return value
    code = getattr(getattr(value, "__code__", None), "co_code", b"")
    return getattr(value, "__qualname__", type(value).__name__), code
