"""What in an app is likely to surprise, found before any run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import CodeType, FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from google.adk.agents.loop_agent import LoopAgent
from google.adk.events.event import Event
from google.adk.sessions.session import Session

from adk_flow._adk import BaseNode
from adk_flow.inspect.agent_graph import Use, functions_of
from adk_flow.inspect.settings import confirmed_tools, state_read
from adk_flow.record.extract import next_active_agent

if TYPE_CHECKING:
    from adk_flow.inspect.static import Link, Member, Transfer

DEPRECATED_AGENTS = "__deprecated__"
"""Where Python's `deprecated` keeps what to use instead of a class."""

WarningKind = Literal[
    "confirmation_lost",
    "dead_end",
    "deprecated",
    "endless_loop",
    "fails",
    "loses_turn",
    "name_clash",
    "no_description",
    "unwritten_state",
]
Uses = Sequence[tuple[BaseNode, Use]]
_CALLED = ("agent_tool", "single_turn", "task")


class Remark(msgspec.Struct, frozen=True):
    """Something that is likely to surprise."""

    kind: WarningKind
    members: list[str]
    text: str


def find_remarks(
    nodes: Sequence[BaseNode],
    uses: Uses,
    ids: Mapping[int, str],
    members: Sequence[Member],
    links: Sequence[Link],
    transfers: Sequence[Transfer],
    is_resumable: bool,
) -> list[Remark]:
    """Lists what is odd in an app, by what it is made of; `ids` gives a member's id by node."""
    return [
        *_deprecated(nodes, ids),
        *_dead_ends(nodes, ids, transfers),
        *_lost_turns(nodes, ids, transfers),
        *_failing(members, transfers),
        *_tasks_too_deep(uses, ids),
        *_endless_loops(nodes, ids),
        *_unwritten_state(nodes, ids),
        *_lost_confirmations(nodes, uses, ids, is_resumable),
        *_clashes(members),
        *_without_description(members, links, transfers),
    ]


def _deprecated(nodes: Iterable[BaseNode], ids: Mapping[int, str]) -> Iterator[Remark]:
    for node in nodes:
        if told := getattr(type(node), DEPRECATED_AGENTS, ""):
            text = f"{node.name} is a {type(node).__name__}: {' '.join(str(told).split())}"
            yield Remark("deprecated", [ids[id(node)]], text)
        if getattr(node, "global_instruction", ""):
            text = f"{node.name} sets global_instruction, which ADK has deprecated for a plugin"
            yield Remark("deprecated", [ids[id(node)]], text)


def _dead_ends(
    nodes: Sequence[BaseNode], ids: Mapping[int, str], transfers: Sequence[Transfer]
) -> Iterator[Remark]:
    legal = [one for one in transfers if not one.barred_by]
    for node in nodes[1:]:
        number = ids[id(node)]
        barred = ", ".join({one.barred_by: "" for one in transfers if one.source == number})
        is_reached = any(one.target == number for one in legal)
        is_free = any(one.source == number for one in legal)
        if is_reached and not is_free and _keeps_turns(node, nodes[0]):
            text = f"{node.name} holds the next turn too and can hand it to nobody, by {barred}"
            yield Remark("dead_end", [number], text)


def _keeps_turns(agent: Any, root: Any) -> bool:
    """Whether ADK gives the next message to an agent that replied last."""
    if getattr(agent, "root_agent", None) is not root:
        return False
    return next_after(agent, root) == agent.name


def next_after(agent: Any, root: Any) -> str:
    """Names who gets the next message once an agent has replied, by ADK's own rule."""
    replied = Session(id="s", app_name="a", user_id="u", events=[Event(author=agent.name)])
    return next_active_agent(SimpleNamespace(agent=root, session=replied))


def _failing(members: Iterable[Member], transfers: Iterable[Transfer]) -> Iterator[Remark]:
    # No flag bars the transfer to a sub-agent: ADK ends the run of such an agent.
    tools = {one.source: one.barred_by for one in transfers if one.relation == "sub_agent"}
    for member in members:
        if tool := tools.get(member.id):
            text = f"{member.name} fails when it runs: ADK refuses {tool} beside sub-agents"
            yield Remark("fails", [member.id], text)


def _clashes(members: Iterable[Member]) -> Iterator[Remark]:
    agents = [one for one in members if one.kind not in ("FunctionNode", "_ParallelWorker")]
    for name, number in Counter(one.name for one in agents).items():
        if number > 1:
            text = f"{number} are named {name}: neither ADK nor a log tells them apart"
            yield Remark("name_clash", [one.id for one in agents if one.name == name], text)
    for member in agents:
        for tool in (tool for tool, times in Counter(member.tools).items() if times > 1):
            text = f"{member.name} has two tools named {tool}: a model can call one of them"
            yield Remark("name_clash", [member.id], text)


def _without_description(
    members: Iterable[Member], links: Iterable[Link], transfers: Iterable[Transfer]
) -> Iterator[Remark]:
    offered = {one.target for one in transfers if not one.barred_by}
    called = {one.target for one in links if one.how in _CALLED}
    for member in members:
        # The way back to the root needs no words: ADK tells a sub-agent who its parent is.
        if member.id in (offered | called) and member.id != "n0" and not member.description.strip():
            text = f"{member.name} has no description, by which a model would choose it"
            yield Remark("no_description", [member.id], text)


def _lost_turns(
    nodes: Sequence[BaseNode], ids: Mapping[int, str], transfers: Sequence[Transfer]
) -> Iterator[Remark]:
    """Finds agents that are handed a turn and never the one after it."""
    reached = {one.target for one in transfers if not one.barred_by}
    for node in nodes[1:]:
        barred = getattr(node, "disallow_transfer_to_parent", False)
        if ids[id(node)] in reached and barred and not _keeps_turns(node, nodes[0]):
            text = (
                f"{node.name} is handed a turn, and the user's next message goes to "
                f"{next_after(node, nodes[0]) or nodes[0].name}, by disallow_transfer_to_parent"
            )
            yield Remark("loses_turn", [ids[id(node)]], text)


def _endless_loops(nodes: Iterable[BaseNode], ids: Mapping[int, str]) -> Iterator[Remark]:
    for node in nodes:
        if isinstance(node, LoopAgent) and not node.max_iterations and not _may_escalate(node):
            text = f"{node.name} has neither max_iterations nor anything in it that escalates"
            yield Remark("endless_loop", [ids[id(node)]], text)


def _may_escalate(node: Any) -> bool:
    """Whether code of an agent below names `escalate`, or is ADK's `exit_loop`."""
    below = [node, *chain.from_iterable(_below(one) for one in getattr(node, "sub_agents", ()))]
    return any("escalate" in name for one in below for name in _code_names(one))


def _below(node: Any) -> Iterator[Any]:
    yield node
    for one in getattr(node, "sub_agents", ()):
        yield from _below(one)


def _code_names(node: Any) -> Iterator[str]:
    callbacks = (getattr(node, name, None) for name in type(node).model_fields)
    several = (one if isinstance(one, list) else [one] for one in callbacks)
    tools = (getattr(tool, "func", tool) for tool in getattr(node, "tools", ()))
    for function in (*chain.from_iterable(several), *tools, *functions_of(node)):
        if isinstance(function, FunctionType):
            yield from _words_of(function.__code__)


def _words_of(code: CodeType) -> Iterator[str]:
    """Gives the names and texts that a function's code holds."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _words_of(constant)
        elif isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (one for one in constant if isinstance(one, str))


def writers_of(nodes: Iterable[BaseNode]) -> dict[str, list[str]]:
    """Says who may write a state key: by `output_key`, or in code that names it."""
    writers: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        key = getattr(node, "output_key", None)
        if key:
            writers[key].append(f"output_key of {node.name}")
        for word in {*_code_names(node)} - {key}:
            writers[word].append(f"in code of {node.name}")
    return writers


def _unwritten_state(nodes: Sequence[BaseNode], ids: Mapping[int, str]) -> Iterator[Remark]:
    writers = writers_of(nodes)
    for node in nodes:
        for key, is_optional in state_read(node).items():
            if key not in writers:
                lacks = "reads nothing" if is_optional else "fails"
                text = (
                    f"{node.name} reads the state key {key}, which no output_key and no code of "
                    f"the app writes: without it in the session's first state it {lacks}"
                )
                yield Remark("unwritten_state", [ids[id(node)]], text)


def _tasks_too_deep(uses: Uses, ids: Mapping[int, str]) -> Iterator[Remark]:
    """Finds tasks below a chat agent below a chat agent, which ADK 2.13 refuses when they run."""
    chats = {id(use.node) for _, use in uses if use.how == "sub_agent" and _is_chat(use.node)}
    for source, use in uses:
        if use.how == "task" and id(source) in chats:
            text = (
                f"{source.name} fails when it delegates to {use.node.name}: ADK refuses a task "
                "below an agent that was handed the turn"
            )
            yield Remark("fails", [ids[id(source)], ids[id(use.node)]], text)


def _is_chat(node: Any) -> bool:
    return getattr(node, "mode", None) in (None, "chat") and hasattr(node, "mode")


def _lost_confirmations(
    nodes: Sequence[BaseNode], uses: Uses, ids: Mapping[int, str], is_resumable: bool
) -> Iterator[Remark]:
    if is_resumable:
        return
    for source, use in uses:
        is_stage = type(source).__name__ in ("SequentialAgent", "LoopAgent")
        if use.how != "agent_tool" and not is_stage:
            continue
        for node in _below(use.node):
            for tool in confirmed_tools(node):
                what = "an AgentTool" if use.how == "agent_tool" else type(source).__name__
                text = (
                    f"{tool} of {node.name} waits for the user below {source.name}'s {what}, and "
                    "the app is not resumable: the answer does not come back to it"
                )
                yield Remark("confirmation_lost", [ids.get(id(node), "n0")], text)
