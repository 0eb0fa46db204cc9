"""An app as it stands before any run: who is in it, who may hand over to whom, what is odd."""

from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Literal

import msgspec
from google.adk.apps import App
from google.adk.flows.llm_flows import agent_transfer

from adk_flow._adk import BaseNode, Workflow
from adk_flow.inspect.agent_graph import (
    Use,
    model_asked,
    name_of_model,
    tool_name,
    tools_of,
    uses_of,
)
from adk_flow.inspect.settings import settings_of
from adk_flow.inspect.warnings import Remark, Wiring, find_remarks, next_after, writers_of
from adk_flow.record.activations import kind_of

refusal_of: Any = getattr(agent_transfer, "_get_incompatible_builtin_tool_error", None)
"""By which ADK refuses transfers beside a tool; earlier releases offer them beside any."""

_FLAGS = ("disallow_transfer_to_parent", "disallow_transfer_to_peers")


class Member(msgspec.Struct, kw_only=True):
    """An agent, a graph, or a node of a graph."""

    id: str
    """`n0` is the root; names may clash."""
    name: str
    kind: str
    """Name of its class."""
    model: str = ""
    """Name of its own model; empty for its parent's, or where there is none."""
    mode: str = ""
    description: str = ""
    tools: list[str] = []
    """Its own, without those by which it uses other agents."""
    graph: str = ""
    """Id of the graph that it is a node of."""
    flags: list[str] = []
    """Which transfers its owner has barred."""
    settings: dict[str, list[str]] = {}
    """What else is set, by ADK's field, see `settings.settings_of`."""


class Link(msgspec.Struct, frozen=True):
    """One agent or graph that uses another, see `agent_graph.How`."""

    source: str
    target: str
    how: str


class Transfer(msgspec.Struct, frozen=True):
    """A transfer that ADK would offer the model, or that is kept from it."""

    source: str
    target: str
    relation: Literal["sub_agent", "parent", "peer"]
    barred_by: str = ""
    """A flag, or the built-in tool beside which ADK offers no transfer."""


class Edge(msgspec.Struct, frozen=True):
    """An edge of a graph; from `START`, or between two of its nodes."""

    graph: str
    source: str
    target: str
    route: str = ""


class Inspection(msgspec.Struct, kw_only=True):
    """The static picture of an app."""

    app: str
    plugins: list[str]
    resumable: bool
    compaction: str
    """When ADK sums the session up; empty if it never does."""
    next_after: dict[str, str]
    """Who gets the next message, by who replied; of agents that can hold a turn."""
    members: list[Member]
    links: list[Link]
    transfers: list[Transfer]
    edges: list[Edge]
    remarks: list[Remark]

    def named(self, id: str) -> str:
        """Gives the name of a member, or `START`."""
        return next((member.name for member in self.members if member.id == id), id)


def inspect_app(app: App) -> Inspection:
    """Takes the static picture of a loaded app; nothing of it runs."""
    nodes, uses = _walked(app.root_agent)
    ids = {id(node): f"n{number}" for number, node in enumerate(nodes)}
    links = [Link(ids[id(source)], ids[id(use.node)], use.how) for source, use in uses]
    writers = writers_of(nodes)
    compaction = getattr(app, "events_compaction_config", None)
    root = nodes[0] if nodes else None
    replying = [node for node in nodes if getattr(node, "root_agent", None) is root]
    picture = Inspection(
        app=app.name,
        plugins=[type(plugin).__name__ for plugin in app.plugins],
        resumable=bool((config := app.resumability_config) and config.is_resumable),
        compaction=" and ".join(_when_compacted(compaction)) if compaction else "",
        next_after={one.name: next_after(one, root) for one in replying if hasattr(one, "mode")},
        members=[_member(node, ids[id(node)], links, writers) for node in nodes],
        links=links,
        transfers=[transfer for node in nodes for transfer in _transfers(node, ids)],
        edges=[edge for node in nodes for edge in _edges(node, ids)],
        remarks=[],
    )
    has_summarizer = compaction is None or compaction.summarizer is not None
    picture.remarks = find_remarks(Wiring(nodes, uses, ids, writers, picture, has_summarizer))
    return picture


def _when_compacted(config: Any) -> Iterator[str]:
    if turns := config.compaction_interval:
        yield f"every {turns} turns, {config.overlap_size} of them again"
    if tokens := getattr(config, "token_threshold", None):  # earlier releases have none
        yield f"above {tokens} tokens, but for the latest {config.event_retention_size} events"


def _walked(root: BaseNode | None) -> tuple[list[BaseNode], list[tuple[BaseNode, Use]]]:
    """Lists what an app is made of and who uses whom, in the order of its wiring."""
    nodes: list[BaseNode] = []
    uses: list[tuple[BaseNode, Use]] = []
    waiting: list[BaseNode] = [root] if root else []
    # What code names comes last: a graph holds a copy of an agent under the same name.
    named: list[tuple[BaseNode, Use]] = []
    while waiting or named:
        if not waiting:
            source, use = named.pop(0)
            known = next((node for node in nodes if node.name == use.node.name), None)
            uses.append((source, use._replace(node=known or use.node)))
            waiting += [] if known else [use.node]
        elif all(other is not waiting[0] for other in nodes):
            node = waiting.pop(0)
            nodes.append(node)
            of_node = [(node, use) for use in uses_of(node) if use.node.name != "__START__"]
            named += [pair for pair in of_node if pair[1].how == "code"]
            certain = [pair for pair in of_node if pair[1].how != "code"]
            uses += certain
            waiting[:0] = [use.node for _, use in certain]
        else:
            waiting.pop(0)
    return nodes, uses


def _member(
    node: BaseNode, number: str, links: Iterable[Link], writers: Mapping[str, list[str]]
) -> Member:
    return Member(
        id=number,
        name=node.name,
        kind=type(node).__name__,
        model=name_of_model(getattr(node, "model", "")),
        mode=str(getattr(node, "mode", "") or ""),
        description=getattr(node, "description", ""),
        tools=[
            _tool(tool)
            for tool in tools_of(node)
            if kind_of(tool) == "function" and not isinstance(tool, BaseNode)
        ],
        graph=next((a.source for a in links if a.target == number and a.how == "node"), ""),
        flags=[flag for flag in _FLAGS if getattr(node, flag, False)],
        settings=settings_of(node, writers),
    )


def _tool(tool: Any) -> str:
    name = tool_name(tool) or type(tool).__name__
    return f"{name} (long-running)" if getattr(tool, "is_long_running", False) else name


def _transfers(node: BaseNode, ids: dict[int, str]) -> Iterator[Transfer]:
    """Lists the transfers of an agent, those among them that ADK does not offer its model."""
    if not hasattr(node, _FLAGS[0]):
        return
    agent: Any = node
    legal = [id(target) for target in agent_transfer._get_transfer_targets(agent)]
    tool = next((tool.name for tool in tools_of(node) if _is_refused(tool, agent)), "")
    # Without its flags ADK's own rule would offer it these too.
    unbarred = agent.model_copy(update=dict.fromkeys(_FLAGS, False))
    for target in agent_transfer._get_transfer_targets(unbarred):
        is_parent = target is agent.parent_agent
        relation = "parent" if is_parent else "peer"
        relation = "sub_agent" if target in agent.sub_agents else relation
        barred = tool if id(target) in legal else _FLAGS[0 if is_parent else 1]
        if id(target) in ids:
            yield Transfer(ids[id(node)], ids[id(target)], relation, barred)


def _is_refused(tool: Any, agent: Any) -> bool:
    """Whether ADK offers an agent no transfer because of a tool."""
    if refusal_of is None:
        return False
    alone = SimpleNamespace(name=agent.name, tools=[tool])
    try:
        return bool(refusal_of(alone, model_asked(agent)))
    except TypeError:  # 2.8 to 2.11 refuse it with any model
        return bool(refusal_of(alone))


def _edges(node: BaseNode, ids: dict[int, str]) -> Iterator[Edge]:
    if not isinstance(node, Workflow) or node.graph is None:
        return
    for edge in node.graph.edges:
        route = edge.route if isinstance(edge.route, list) else [edge.route]
        ends = ids.get(id(edge.from_node), "START"), ids[id(edge.to_node)]
        yield Edge(ids[id(node)], *ends, ", ".join(str(way) for way in route if way is not None))
