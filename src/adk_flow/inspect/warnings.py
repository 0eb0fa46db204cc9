"""What in an app is likely to surprise, found before any run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.events.event import Event
from google.adk.sessions.session import Session

from adk_flow._adk import BaseNode
from adk_flow._data import group_by, walk_once
from adk_flow.inspect.agent_graph import Use, codes_in, functions_of, tools_of
from adk_flow.inspect.settings import confirmed_tools, state_read
from adk_flow.record.agents import SharedNames, kind_of_agent, next_active_agent

if TYPE_CHECKING:
    from adk_flow.inspect.static import Inspection

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
    "unseen_calls",
    "unwritten_state",
]


class Remark(msgspec.Struct, frozen=True):
    """Something that is likely to surprise."""

    kind: WarningKind
    members: list[str]
    text: str


class Wiring(NamedTuple):
    """An app's agents and graphs, and how they hang together."""

    nodes: Sequence[BaseNode]
    """The root first."""
    uses: Sequence[tuple[BaseNode, Use]]
    ids: Mapping[int, str]
    """A member's id by the identity of its node."""
    writers: Mapping[str, list[str]]
    """See `writers_of`."""
    picture: Inspection
    has_summarizer: bool
    """Whether nothing is to be summed up, or by a model of its own."""

    def id_of(self, node: BaseNode) -> str:
        """Gives the id of a node's member."""
        return self.ids.get(id(node), "n0")

    @property
    def offered(self) -> set[str]:
        """Those whom an agent may transfer to."""
        return {each.target for each in self.picture.transfers if not each.barred_by}


def find_remarks(wiring: Wiring) -> list[Remark]:
    """Lists what is odd in an app, by what it is made of."""
    return [remark for detect in _DETECTORS for remark in detect(wiring)]


def _deprecated(wiring: Wiring) -> Iterator[Remark]:
    for node in wiring.nodes:
        if notice := getattr(type(node), DEPRECATED_AGENTS, ""):
            text = f"{node.name} is a {type(node).__name__}: {' '.join(str(notice).split())}"
            yield Remark("deprecated", [wiring.id_of(node)], text)
        if getattr(node, "global_instruction", ""):
            text = f"{node.name} sets global_instruction, which ADK has deprecated for a plugin"
            yield Remark("deprecated", [wiring.id_of(node)], text)


def _dead_ends(wiring: Wiring) -> Iterator[Remark]:
    for node in wiring.nodes[1:]:
        number = wiring.id_of(node)
        own = [transfer for transfer in wiring.picture.transfers if transfer.source == number]
        is_free = any(not transfer.barred_by for transfer in own)
        if number in wiring.offered and not is_free and _keeps_turns(node, wiring.nodes[0]):
            barred = ", ".join(dict.fromkeys(transfer.barred_by for transfer in own))
            text = f"{node.name} holds the next turn too and can hand it to nobody, by {barred}"
            yield Remark("dead_end", [number], text)


def _keeps_turns(agent: Any, root: Any) -> bool:
    """Whether ADK gives the next message to an agent that replied last."""
    return getattr(agent, "root_agent", None) is root and next_after(agent, root) == agent.name


def next_after(agent: Any, root: Any) -> str:
    """Names who gets the next message once an agent has replied, by ADK's own rule."""
    replied = Session(id="s", app_name="a", user_id="u", events=[Event(author=agent.name)])
    shared = SharedNames().of(root)
    return next_active_agent(SimpleNamespace(agent=root, session=replied), shared)


def _lost_turns(wiring: Wiring) -> Iterator[Remark]:
    """Finds agents that are handed a turn and never the one after it."""
    root, flag = wiring.nodes[0], "disallow_transfer_to_parent"
    for node in wiring.nodes[1:]:
        barred, number = getattr(node, flag, False), wiring.id_of(node)
        if barred and number in wiring.offered and not _keeps_turns(node, root):
            other = next_after(node, root) or root.name
            text = f"{node.name} is handed a turn, and the user's next message goes to {other}"
            yield Remark("loses_turn", [number], f"{text}, by {flag}")


def _failing(wiring: Wiring) -> Iterator[Remark]:
    # No flag bars the transfer to a sub-agent: ADK ends the run of such an agent.
    own = (each for each in wiring.picture.transfers if each.relation == "sub_agent")
    tools = {each.source: each.barred_by for each in own}
    for member in wiring.picture.members:
        if tool := tools.get(member.id):
            text = f"{member.name} fails when it runs: ADK refuses {tool} beside sub-agents"
            yield Remark("fails", [member.id], text)


def _unsummed(wiring: Wiring) -> Iterator[Remark]:
    root = wiring.nodes[0]
    if not (wiring.has_summarizer or isinstance(root, LlmAgent)):
        why = f"{root.name} has no model to do it by, and no summarizer is set"
        yield Remark("fails", [wiring.id_of(root)], f"ADK fails to sum the session up: {why}")


def _tasks_too_deep(wiring: Wiring) -> Iterator[Remark]:
    """Finds tasks below a chat agent below a chat agent, which ADK 2.13 refuses when they run."""
    below = [use.node for _, use in wiring.uses if use.how == "sub_agent"]
    chats = {id(node) for node in below if getattr(node, "mode", "none") in (None, "chat")}
    why = "ADK refuses a task below an agent that was handed the turn"
    for source, use in wiring.uses:
        if use.how == "task" and id(source) in chats:
            text = f"{source.name} fails when it delegates to {use.node.name}: {why}"
            yield Remark("fails", [wiring.id_of(source), wiring.id_of(use.node)], text)


def _endless_loops(wiring: Wiring) -> Iterator[Remark]:
    loops = (node for node in wiring.nodes if isinstance(node, LoopAgent))
    for node in (loop for loop in loops if not loop.max_iterations):
        # Code of an agent below names it, or is ADK's `exit_loop`.
        if all("escalate" not in name for below in _below(node) for name in code_names(below)):
            text = f"{node.name} has neither max_iterations nor anything in it that escalates"
            yield Remark("endless_loop", [wiring.id_of(node)], text)


def _below(node: Any) -> Iterator[Any]:
    """Walks an agent and its sub-agents."""
    return walk_once([node], lambda agent: getattr(agent, "sub_agents", ()))


def code_names(node: Any, runs_tools: bool = True) -> Iterator[str]:
    """Gives the names and texts that the code of an agent, its callbacks and its tools holds."""
    callbacks = (getattr(node, name, None) for name in type(node).model_fields)
    several = (callback if isinstance(callback, list) else [callback] for callback in callbacks)
    tools = [getattr(tool, "func", tool) for tool in tools_of(node)]
    functions = (*chain.from_iterable(several), *tools, *functions_of(node))
    run = functions if runs_tools else [one for one in functions if one not in tools]
    for code in (function.__code__ for function in run if isinstance(function, FunctionType)):
        for part in codes_in(code):
            yield from part.co_names
            constants = (one if isinstance(one, tuple) else (one,) for one in part.co_consts)
            yield from (word for word in chain.from_iterable(constants) if isinstance(word, str))


def writers_of(nodes: Iterable[BaseNode]) -> dict[str, list[str]]:
    """Says who may write a state key: by `output_key`, or in code that names it."""
    writers: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if key := getattr(node, "output_key", None):
            writers[key].append(f"output_key of {node.name}")
        for word in {*code_names(node)} - {key}:
            writers[word].append(f"in code of {node.name}")
    return writers


def _unwritten_state(wiring: Wiring) -> Iterator[Remark]:
    for node in wiring.nodes:
        read = {key: may for key, may in state_read(node).items() if key not in wiring.writers}
        for is_optional, keys in group_by(read, read.__getitem__).items():
            lacks = "it reads nothing" if is_optional else "it fails"
            text = (
                f"{node.name} reads state that no output_key and no code of an agent names: "
                f"{', '.join(keys)}; unless the session begins with it or other code writes it, "
                f"{lacks}"
            )
            yield Remark("unwritten_state", [wiring.id_of(node)], text)


def _lost_confirmations(wiring: Wiring) -> Iterator[Remark]:
    losing = ("AgentTool", "SequentialAgent", "LoopAgent")
    for source, use in () if wiring.picture.resumable else wiring.uses:
        what = "AgentTool" if use.how == "agent_tool" else type(source).__name__
        for node in _below(use.node) if what in losing else ():
            for tool in confirmed_tools(node):
                text = (
                    f"{tool} of {node.name} waits for the user below {source.name}'s {what}, and "
                    "the app is not resumable: the answer does not come back to it"
                )
                yield Remark("confirmation_lost", [wiring.id_of(node)], text)


def _unseen_calls(wiring: Wiring) -> Iterator[Remark]:
    for node in wiring.nodes:
        if kind_of_agent(node) == "elsewhere":
            text = (
                f"{node.name}, a {type(node).__name__}, asks models past ADK: how often is not "
                "known, and neither --model nor a plan answers in their place"
            )
            yield Remark("unseen_calls", [wiring.id_of(node)], text)


def _clashes(wiring: Wiring) -> Iterator[Remark]:
    members = wiring.picture.members
    agents = [one for one in members if one.kind not in ("FunctionNode", "_ParallelWorker")]
    for name, same in group_by(agents, lambda agent: agent.name).items():
        if len(same) > 1:
            text = f"{len(same)} are named {name}: neither ADK nor a log tells them apart"
            yield Remark("name_clash", [agent.id for agent in same], text)
    for member in agents:
        for tool in (tool for tool, times in Counter(member.tools).items() if times > 1):
            text = f"{member.name} has two tools named {tool}: a model can call one of them"
            yield Remark("name_clash", [member.id], text)


def _without_description(wiring: Wiring) -> Iterator[Remark]:
    picture, ways = wiring.picture, ("agent_tool", "single_turn", "task")
    called = {link.target for link in picture.links if link.how in ways}
    # The way back to the root needs no words: ADK tells a sub-agent who its parent is.
    chosen = (wiring.offered | called) - {"n0"}
    for member in picture.members:
        if member.id in chosen and not member.description.strip():
            text = f"{member.name} has no description, by which a model would choose it"
            yield Remark("no_description", [member.id], text)


_DETECTORS = (
    _deprecated,
    _dead_ends,
    _lost_turns,
    _failing,
    _unsummed,
    _tasks_too_deep,
    _endless_loops,
    _unwritten_state,
    _lost_confirmations,
    _unseen_calls,
    _clashes,
    _without_description,
)
