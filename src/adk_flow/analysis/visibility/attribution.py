"""Who said what so far, and by it whose words a part of a model request is.

Words are told by their place first: an agent's own request, then what somebody said word for word,
then what ADK quotes of another agent, then whole utterances of the turn within a longer text.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from adk_flow._data import object_in
from adk_flow.analysis.move import USER, Move
from adk_flow.analysis.visibility.matching import Attribution, ExposureKind, folded, key_of
from adk_flow.log.schema import Part, Record

LEAST = 12
"""Characters from which on an utterance is recognised within a longer text."""

# As ADK presents another agent's turn (2.13, context/_fencing.py).
_QUOTED = re.compile(
    r"\[(?P<who>[^\]]+)\] (?:said|thought|called tool `(?P<call>[^`]+)` with parameters"
    r"|`(?P<result>[^`]+)` tool returned result):\s"
)


class Said:
    """What was said, told of the records one by one."""

    def __init__(self, texts: Mapping[int, str]) -> None:
        self._texts = texts
        self._keys: dict[int, str] = {}
        """Keys of texts by number."""
        self._parts: dict[int, list[Attribution]] = {}
        """Whole utterances in a longer text."""
        self._names: set[str] = set()
        self._tools: dict[str, str] = {}
        """Names of tools by call."""
        self._kinds: dict[str, str] = {}
        """Kinds of tools by name."""
        self._answering: dict[str, str] = {}
        """The agent that a tool runs."""
        self._sources: defaultdict[str, dict[str, ExposureKind]] = defaultdict(dict)
        """Who said words, by their key; the latest stands last."""
        self._in_turn: dict[tuple[str, str], None] = {}
        self._kept: dict[str, tuple[str, str]] = {}
        """What an agent last said that went into the state too, as by its `output_key`."""
        self._given: dict[tuple[int, str], str] = {}
        """Who gave out words as a value of a structured answer, by run."""

    def read(self, record: Record, moves: Sequence[Move]) -> None:
        """Reads the next record, and the moves that it makes."""
        self._names.add(record.agent)
        for call in () if record.partial else record.calls:
            self._note_call(call.id, call.name, call.kind, call.text, record.agent)
        match record.hook:
            case "user_message" if not record.parent:
                self._in_turn.clear()
                self._note(key_of(record.text), USER)
            case "before_run" if record.text and not record.parent:  # in their place
                self._note(key_of(record.text), USER)
            case "before_agent":
                self._hear_requests(record, moves)
            case "before_tool":
                self._note_call(record.call, record.tool, record.kind, "", record.agent)
            case "after_tool" if record.kind == "function":
                self._sources[key_of(record.text)].setdefault(record.agent, "tool")
            case "after_model" | "event" if record.text and record.agent != USER:
                if not record.responses:  # whose words are the tool's, with skip_summarization
                    self._hear(record)

    def _note_call(self, call: str, name: str, kind: str, text: str, agent: str) -> None:
        self._tools[call], self._kinds[name] = name, kind
        if kind == "node_tool":
            self._note(key_of(text), agent)

    def _note(self, key: str, source: str) -> None:
        said = self._sources[key]
        said.pop(source, None)  # so that the latest stands last
        said[source] = "words"
        if len(key) >= LEAST:
            self._in_turn[key, source] = None

    def _hear_requests(self, record: Record, moves: Sequence[Move]) -> None:
        for move in moves:
            if move.kind == "ask":
                self._note(key_of(move.text), move.source)
                self._answering[self._tools.get(record.call, "")] = record.agent

    def _hear(self, record: Record) -> None:
        key = key_of(record.text)
        self._note(key, record.agent)
        if record.state and len(key) >= LEAST:
            self._kept[record.agent] = (key, record.agent)
        for value in object_in(record.text).values():
            if isinstance(value, str):
                self._given[record.run, folded(value)] = record.agent

    def in_part(
        self, part: Part, record: Record, asked: Mapping[str, str], is_node: bool
    ) -> list[Attribution]:
        """Finds whose words a part of a request is; `asked` tells who asked the agent what."""
        text = self._texts.get(part.text, "")
        if part.role == "model" or part.kind not in ("text", "response") or not text:
            return []
        if part.kind == "text":
            said = self._said_by(part.text, record, asked, is_node) or self._quoted(text)
            return said or self._within(part.text, self._in_turn, asked)
        tool = text.partition(" ")[0]
        if self._kinds.get(tool) == "node_tool":
            quoted = (quote["who"] for quote in _QUOTED.finditer(text))
            named = [Attribution(who, "words") for who in quoted if who in self._names]
            return [*named, *self._within(part.text, self._in_turn, asked)]
        return [Attribution(self._answering[tool], "answer")] if tool in self._answering else []

    def in_instruction(self, number: int, asked: Mapping[str, str]) -> list[Attribution]:
        """Finds what agents put into the state, and a system instruction took from there."""
        return self._within(number, self._kept.values(), asked)

    def _said_by(
        self, number: int, record: Record, asked: Mapping[str, str], is_node: bool
    ) -> list[Attribution]:
        """Finds who said just these words: in its request, in the conversation."""
        if number not in self._keys:
            self._keys[number] = key_of(self._texts[number])
        key, agent = self._keys[number], record.agent
        asker = asked.get(key, "")
        if not asker and is_node:
            asker = self._given.get((record.run, key), "")
        if asker and asker != agent:
            return [Attribution(asker, "request", key)]
        said = self._sources.get(key)
        if not said or not key:
            return []
        others = (name for name in reversed(said) if name != agent)
        source = USER if USER in said else next(others, agent)
        return [Attribution(source, said[source], key)]

    def _quoted(self, text: str) -> list[Attribution]:
        """Reads what ADK quotes of another agent; a transfer is no news."""
        quote = _QUOTED.match(text)
        if quote is None:
            return []
        if quote["who"] not in self._names:
            return self._anonymous(key_of(text[quote.end() :]))
        tool = quote["call"] or quote["result"] or ""
        if self._kinds.get(tool) == "transfer":
            return []
        if quote["result"] in self._answering:
            return [Attribution(self._answering[tool], "words")]
        return [Attribution(quote["who"], "tool" if tool else "words")]

    def _anonymous(self, key: str) -> list[Attribution]:
        """Finds all who said words that are quoted without their names, as to a selector."""
        said = self._sources.get(key, {}) if key else {}
        return [Attribution(source, kind, key) for source, kind in said.items() if source != USER]

    def _within(
        self, number: int, said: Iterable[tuple[str, str]], asked: Mapping[str, str]
    ) -> list[Attribution]:
        """Finds what had been said when a text first stood in a request."""
        if number not in self._parts:
            text = folded(self._texts.get(number, ""))
            within = [Attribution(source, "words", key) for key, source in said if key in text]
            self._parts[number] = within
        return [part for part in self._parts[number] if not any(part.key in ask for ask in asked)]
