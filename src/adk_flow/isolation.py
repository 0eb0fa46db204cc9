"""Who was shown what: whose words, and which planted facts, each agent's model requests held.

Words are told by their place first: an agent's own request, then what somebody said word for word,
then what ADK quotes of another agent, then whole utterances of the turn within a longer text. A
canary must come through masking (`texts.mask`), so it is no run of 8 or more digits.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from adk_flow.conversation import Canary
from adk_flow.log import Log
from adk_flow.moves import USER, FlowReader, Move
from adk_flow.record import AGENT_CALLS, Part, Record, Request
from adk_flow.texts import PREVIEW

Kind = Literal["words", "request", "answer", "tool", "canary"]
Shared = Literal["state", "artifact"]

LEAST = 12
"""Characters from which on an utterance is recognised within a longer text."""

# As ADK presents another agent's turn (2.13, context/_fencing.py).
_QUOTED = re.compile(
    r"\[(?P<who>[^\]]+)\] (?:said|thought|called tool `(?P<call>[^`]+)` with parameters"
    r"|`(?P<result>[^`]+)` tool returned result):\s"
)


class Sight(msgspec.Struct, frozen=True):
    """Something of somebody else's that an agent's model was shown."""

    agent: str
    source: str
    """`user`, an agent, or a canary by name."""
    kind: Kind
    """`words` said in the conversation, the `request` that it was called with, the `answer` of an
    agent that it called itself, arguments or results of another agent's `tool`, or a `canary`."""
    record: int
    """Index of the first `before_model` record that held it."""
    requests: int
    """How many of the agent's requests held it."""


class Crossing(msgspec.Struct, frozen=True):
    """A state key or an artifact that others than its writer had in view."""

    kind: Shared
    key: str
    writer: str
    reached: list[str]
    """Agents that ran afterwards with it in view."""
    record: int
    """Index of the event that first wrote it."""


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What each agent was shown of the user's, of the others', and of the planted facts."""

    agents: list[str]
    """Agents whose models were asked, in order of appearance."""
    canaries: list[str]
    unseen: list[str]
    """Canaries that occur nowhere in the log, so that nothing is known of them."""
    sights: list[Sight]
    leaks: list[Sight]
    """Canaries shown to agents that they are not for, and what a called agent was shown of what
    was said outside its call."""
    crossings: list[Crossing]
    unknown_reason: str = ""
    """Why more may have been shown than is among the sights."""

    @property
    def known(self) -> bool:
        """Whether what is not among the sights was not shown either."""
        return not self.unknown_reason


_Counts = dict[tuple[str, str, Kind], tuple[int, int]]
"""First record and number of requests, by agent, source and kind."""
_Place = tuple[str, int]
"""What shares a state or artifacts: a `run`, a `session` or the `artifacts` of one, by number."""


class _Found(NamedTuple):
    """Words in a model request."""

    source: str
    kind: Kind
    key: str = ""


def isolation(log: Log, canaries: Mapping[str, Canary] = {}) -> Isolation:
    """Reads off a log what each agent was shown; a canary is found in any case and spacing."""
    planted = {name: folded for name, one in canaries.items() if (folded := _folded(one.text))}
    sights, crossings = _Sights(log.texts, planted), _Crossings()
    for index, record in enumerate(log.records):
        sights.read(index, record)
        crossings.read(index, record, sights.flow)
    seen = [Sight(*key, *value) for key, value in sights.seen.items()]
    astray = [one for one in seen if one.kind == "canary" and _is_astray(one, canaries)]
    return Isolation(
        agents=list(sights.agents),
        canaries=list(canaries),
        unseen=_unseen(log, canaries, planted),
        sights=seen,
        leaks=[*astray, *(Sight(*key, *value) for key, value in sights.beyond.items())],
        crossings=crossings.crossed(),
        unknown_reason=_unknown_reason(log),
    )


def _is_astray(sight: Sight, canaries: Mapping[str, Canary]) -> bool:
    only = canaries[sight.source].only
    return bool(only) and sight.agent not in only


def _unknown_reason(log: Log) -> str:
    if log.header.texts != "full":
        return f"recorded with texts={log.header.texts}, so the log does not hold all words"
    if any(record.size and _is_cut(record.text, record.size) for record in log.records):
        return "a part of the log was recorded without all words"
    return f"lines of the log that could not be read: {len(log.damage)}" if log.damage else ""


def _is_cut(text: str, size: int) -> bool:
    return not text or (size > len(text) == PREVIEW + 1 and text.endswith("…"))


def _unseen(log: Log, canaries: Mapping[str, Canary], planted: Mapping[str, str]) -> list[str]:
    unseen = dict.fromkeys(canaries)
    for text in _all_texts(log):
        folded = _folded(text) if unseen else ""
        for name in [name for name in unseen if name in planted and planted[name] in folded]:
            del unseen[name]
    return list(unseen)


def _all_texts(log: Log) -> Iterator[str]:
    yield from log.texts.values()
    for record in log.records:
        yield record.text
        yield from (call.text for call in record.calls)


def _folded(text: str) -> str:
    """Makes texts alike that differ in case, in spacing, or in being quoted within JSON."""
    if "\\" in text:
        text = text.replace("\\n", " ").replace('\\"', '"').replace("\\'", "'")
    return " ".join(text.casefold().split())


def _object(text: str) -> dict[str, object]:
    """Reads a JSON object; empty if it is none."""
    try:
        value = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _key(text: str) -> str:
    """Folds a text; of an object of one string, as a call's arguments may be, that string."""
    value = _object(text)
    if len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return _folded(only)
    return _folded(json.dumps(value, ensure_ascii=False) if value else text)


class _Sights:
    """Reads sights off the records, one by one."""

    def __init__(self, texts: Mapping[int, str], canaries: Mapping[str, str]) -> None:
        self.flow = FlowReader()
        self.agents: dict[str, None] = {}
        self.seen: _Counts = {}
        self.beyond: _Counts = {}
        """What showed a called agent too much."""
        self._texts, self._canaries = texts, canaries
        self._keys: dict[int, str] = {}
        self._held: dict[int, list[str]] = {}
        self._parts: dict[int, list[_Found]] = {}
        """Whole utterances in a longer text."""
        self._names: set[str] = set()
        self._tools: dict[str, str] = {}
        """Names of tools by call."""
        self._kinds: dict[str, str] = {}
        """Kinds of tools by name."""
        self._answering: dict[str, str] = {}
        """The agent that a tool runs."""
        self._said: defaultdict[str, dict[str, Kind]] = defaultdict(dict)
        self._in_turn: dict[tuple[str, str], None] = {}
        self._kept: dict[str, tuple[str, str]] = {}
        """What an agent last said that went into the state too, as by its `output_key`."""
        self._given: dict[tuple[int, str], str] = {}
        """Who gave out words as a value of a structured answer, by run."""
        self._scopes: dict[int, str] = {}
        """The call in whose course a frame runs."""
        self._requests: dict[str, dict[str, str]] = {}
        """Who asked what, by call; a task agent's lasts over several turns."""
        self._asks: dict[int, dict[str, str]] = {}
        """The same by frame."""
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._addressed: set[tuple[str, str]] = set()
        """The user's words to a task agent that holds the turn, by its call."""

    def read(self, index: int, record: Record) -> None:
        """Reads the next record."""
        moves = self.flow.read(record)
        self._names.add(record.agent)
        for call in () if record.partial else record.calls:
            self._note_call(call.id, call.name, call.kind, call.text, record.agent)
        match record.hook:
            case "user_message" if not record.caller:
                self._in_turn.clear()
                self._note(_key(record.text), USER)
            case "before_agent":
                self._begin(record, moves)
            case "before_tool":
                self._note_call(record.call, record.tool, record.kind, "", record.agent)
            case "after_tool" if record.kind == "function":
                self._said[_key(record.text)].setdefault(record.agent, "tool")
            case "after_model" | "event" if record.text and record.agent != USER:
                if not record.responses:  # whose words are the tool's, with skip_summarization
                    self._hear(record)
            case "before_model" if record.request is not None:
                self._look(index, record, record.request)

    def _note_call(self, call: str, name: str, kind: str, text: str, agent: str) -> None:
        self._tools[call], self._kinds[name] = name, kind
        if kind == "node_tool":
            self._note(_key(text), agent)

    def _note(self, key: str, source: str) -> None:
        said = self._said[key]
        said.pop(source, None)  # so that the latest stands last
        said[source] = "words"
        if len(key) >= LEAST:
            self._in_turn[key, source] = None

    def _hear(self, record: Record) -> None:
        key = _key(record.text)
        self._note(key, record.agent)
        if record.state and len(key) >= LEAST:
            self._kept[record.agent] = (key, record.agent)
        for value in _object(record.text).values():
            if isinstance(value, str):
                self._given[record.run, _folded(value)] = record.agent

    def _begin(self, record: Record, moves: list[Move]) -> None:
        """Notes what a frame was called with; after a transfer, what the frame before was."""
        frame, is_called = record.frame, record.why in AGENT_CALLS
        scope = record.call if is_called else self._scopes.get(record.caller, "")
        for move in moves:
            if move.kind == "ask":
                self._requests[record.call] = {_key(move.text): move.source}
                self._note(_key(move.text), move.source)
                self._answering[self._tools.get(record.call, "")] = record.agent
            elif move.kind == "say":
                self._addressed.add((scope, _key(move.text)))
        if record.why != "resume":
            asks = self._requests.get(scope) if is_called else self._asks.get(record.caller)
            self._scopes[frame], self._asks[frame] = scope, asks or {}
            self._members[scope].add(record.agent)

    def _look(self, index: int, record: Record, request: Request) -> None:
        agent, frame = record.agent, record.frame
        self.agents[agent] = None
        shown = {found for part in request.parts for found in self._words(part, record)}
        shown.update(self._within(request.system, self._kept.values(), frame))
        shown = sorted(found for found in shown if found.source != agent)
        numbers = {request.system, *(part.text for part in request.parts)}
        canaries = {name for number in numbers for name in self._canaries_in(number)}
        shown += [_Found(name, "canary") for name in self._canaries if name in canaries]
        _count(self.seen, index, agent, shown)
        _count(self.beyond, index, agent, [one for one in shown if self._is_beyond(one, frame)])

    def _words(self, part: Part, record: Record) -> list[_Found]:
        """Finds whose words a part of a request is."""
        text = self._texts.get(part.text, "")
        if part.role == "model" or part.kind not in ("text", "response") or not text:
            return []
        if part.kind == "text":
            said = self._said_by(part.text, record) or self._quoted(text)
            return said or self._within(part.text, self._in_turn, record.frame)
        tool = text.partition(" ")[0]
        if self._kinds.get(tool) == "node_tool":
            return self._within(part.text, self._in_turn, record.frame)
        return [_Found(self._answering[tool], "answer")] if tool in self._answering else []

    def _said_by(self, number: int, record: Record) -> list[_Found]:
        """Finds who said just these words: in its request, in the conversation."""
        if number not in self._keys:
            self._keys[number] = _key(self._texts[number])
        key, agent = self._keys[number], record.agent
        frame = self.flow.frames.get(record.frame)
        asker = self._asks.get(record.frame, {}).get(key, "")
        if not asker and frame is not None and frame.why == "node":
            asker = self._given.get((record.run, key), "")
        if asker and asker != agent:
            return [_Found(asker, "request", key)]
        said = self._said.get(key)
        if not said or not key:
            return []
        others = (name for name in reversed(said) if name != agent)
        source = USER if USER in said else next(others, agent)
        return [_Found(source, said[source], key)]

    def _quoted(self, text: str) -> list[_Found]:
        """Reads what ADK quotes of another agent; a transfer is no news."""
        quote = _QUOTED.match(text)
        if quote is None or quote["who"] not in self._names:
            return []
        tool = quote["call"] or quote["result"] or ""
        if self._kinds.get(tool) == "transfer":
            return []
        if quote["result"] in self._answering:
            return [_Found(self._answering[tool], "words")]
        return [_Found(quote["who"], "tool" if tool else "words")]

    def _within(self, number: int, said: Iterable[tuple[str, str]], frame: int) -> list[_Found]:
        """Finds what had been said when a text first stood in a request."""
        if number not in self._parts:
            text = _folded(self._texts.get(number, ""))
            found = [_Found(source, "words", key) for key, source in said if key in text]
            self._parts[number] = found
        asks = self._asks.get(frame, {})
        return [one for one in self._parts[number] if not any(one.key in ask for ask in asks)]

    def _canaries_in(self, number: int) -> list[str]:
        if self._canaries and number not in self._held:
            text = _folded(self._texts.get(number, ""))
            self._held[number] = [name for name, words in self._canaries.items() if words in text]
        return self._held.get(number, [])

    def _is_beyond(self, found: _Found, frame: int) -> bool:
        """Whether a called agent is shown what was said outside its call."""
        scope = self._scopes.get(frame, "")
        is_inside = found.source in self._members[scope] or (scope, found.key) in self._addressed
        return bool(scope) and found.kind in ("words", "tool") and not is_inside


def _count(counts: _Counts, index: int, agent: str, shown: Iterable[_Found]) -> None:
    keys: _Counts = {(agent, found.source, found.kind): (index, 0) for found in shown}
    for key, new in keys.items():
        first, number = counts.get(key, new)
        counts[key] = (first, number + 1)


class _Crossings:
    """Follows state and artifacts into the view of one agent after another."""

    def __init__(self) -> None:
        self._agents: dict[str, None] = {}
        self._agent_tools: set[str] = set()
        """Calls of AgentTools, which share the state."""
        self._started: dict[int, tuple[int, int, bool]] = {}
        """Whence a nested run was started: run, record, and whether by an AgentTool."""
        self._runs: dict[str, int] = {}
        """Nested runs by the call that started them."""
        self._latest: defaultdict[_Place, dict[str, int]] = defaultdict(dict)
        """As of which record each agent last had a place in view."""
        self._writers: defaultdict[tuple[int, str, str], dict[str, None]] = defaultdict(dict)
        self._views: defaultdict[tuple[Shared, str, str], dict[_Place, int]] = defaultdict(dict)
        """Since which record a key of a writer has been in view, by place."""

    def read(self, index: int, record: Record, flow: FlowReader) -> None:
        """Reads the next record, which `flow` has read before."""
        if record.hook == "before_tool" and record.kind == "agent_tool":
            self._agent_tools.add(record.call)
        elif record.hook == "user_message" and record.caller in flow.frames:
            run, shares = flow.frames[record.caller].run, record.call in self._agent_tools
            self._started[record.run] = (run, index, shares and run < record.run)
            self._runs[record.call] = record.run
        elif record.hook in ("before_agent", "before_model"):
            self._agents[record.agent] = None
            for place, since in self._places(record.run, index):
                latest = self._latest[place]
                latest[record.agent] = max(since, latest.get(record.agent, since))
        elif record.hook == "event":
            keys = [key for key in record.state if not key.startswith("_adk")]
            self._write(index, record, "state", keys)
            self._write(index, record, "artifact", record.artifacts)

    def _places(self, run: int, index: int) -> Iterator[tuple[_Place, int]]:
        """Gives what an agent of a run has in view, and as of which record.

        An AgentTool hands over the state as it is when its run starts, artifacts live.
        """
        yield ("run", run), index
        session, shares, since = 0, True, index
        while shares:
            session = run if run in self._started else 0
            yield ("session", session), since
            run, since, shares = self._started.get(run, (0, 0, False))
        yield ("artifacts", session), index

    def _write(self, index: int, record: Record, kind: Shared, keys: Sequence[str]) -> None:
        own, session, *_, artifacts = [place for place, _ in self._places(record.run, index)]
        runs = [self._runs[call] for call in record.responses if call in self._runs]
        for key in keys:
            # The event that answers a nested run's call repeats what was written in it.
            nested = [name for run in runs for name in self._writers.get((run, kind, key), ())]
            place = own if key.startswith("temp:") else session
            for writer in nested or [record.agent]:
                self._writers[record.run, kind, key][writer] = None
                view = self._views[kind, key, writer]
                view.setdefault(artifacts if kind == "artifact" else place, index)

    def crossed(self) -> list[Crossing]:
        """Lists what came into the view of others than its writer."""
        crossings = []
        for (kind, key, writer), places in self._views.items():
            reached = {
                agent
                for place, since in places.items()
                for agent, latest in self._latest[place].items()
                if latest > since and agent != writer
            }
            if reached:
                names = [agent for agent in self._agents if agent in reached]
                crossings.append(Crossing(kind, key, writer, names, min(places.values())))
        return crossings
