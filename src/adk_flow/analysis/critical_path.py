"""Where a turn's time went: model calls, tools, and the chain that had to be waited for.

The critical path, in the sense of scheduling theory, is the longest chain of model and tool calls
of which each had to wait for the one before: calls made in one model turn stand side by side, a
called agent's calls come between its caller's, a transfer's target goes on where its source
stopped, and a workflow's node where the nodes that had ended before it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.log.schema import Record


class Span(msgspec.Struct, kw_only=True, gc=False):
    """One model call, or one call of a plain function; times in microseconds."""

    kind: Literal["model", "tool", "replaced"]
    """`replaced` is a model call that a plugin or callback has answered in the model's place."""
    agent: str
    name: str
    """The model's or the function's."""
    record: int
    """Index of the record that begins it."""
    began: int
    """Since the epoch."""
    start: int
    """Length of the chain that it had to wait for: when it could begin, from the turn's start."""
    took: int = 0
    answered: bool = False
    """Whether it came back, be it with an error."""
    after: int = -1
    """Index of the span that it had to wait for last; -1 for none."""
    nested: bool = False
    """Whether it is in a run of its own, which ADK's session does not show."""
    parts: int = 0
    """Parts of the contents that the model was sent."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    """Generated tokens, thoughts among them."""


class _End(NamedTuple):
    """Where a chain of calls ends: its length, and its last span."""

    length: int = 0
    span: int = -1


@dataclass(slots=True)
class _Frame:
    """How far the chain of calls has come in one frame."""

    path: _End
    base: _End
    """Its end at the latest model call, from which tool calls start."""
    asked: int = -1
    """Index of the span that is with the model; -1 if none is."""
    came_back: int = 0
    """When its latest call came back."""
    call: str = ""
    """The call in whose course it runs."""
    group: tuple[int, int, str] = (0, 0, "")
    """The run, and the frame and name of whose node it is."""
    branch: str = ""
    """ADK's branch, by which it keeps what runs side by side apart."""


@dataclass(slots=True)
class Schedule:
    """Adds up a turn's times, record by record; all in microseconds."""

    pace: LatencyProfile | None = None
    """Where given, model calls take its time and not their own."""
    serial: bool = False
    """Whether calls asked for in one model turn, and nodes of a graph, had to follow each other."""
    llm: int = 0
    """Sum over model calls, parallel ones too."""
    tools: int = 0
    """Sum over plain functions."""
    llm_calls: int = 0
    spans: list[Span] = field(default_factory=list)
    _longest: _End = field(default_factory=_End)
    _frames: dict[int, _Frame] = field(default_factory=dict)
    _called: dict[str, int] = field(default_factory=dict)
    """Span of each function call under way."""
    _inside: dict[str, _End] = field(default_factory=dict)
    """Longest chain of what ran in the course of each call."""
    _delegated: dict[str, int] = field(default_factory=dict)
    """Frame that delegated each task under way."""
    _ended: dict[tuple[int, int, str], dict[str, _End]] = field(default_factory=dict)
    """Longest chain of ended nodes, by the run, frame and name of whose nodes they are, and by
    branch."""

    @property
    def critical_path(self) -> int:
        """Length of the longest chain."""
        return self._longest.length

    @property
    def critical_spans(self) -> list[int]:
        """Indices of the spans on the critical path, in order."""
        found, index = [], self._longest.span
        while index >= 0:
            found.append(index)
            index = self.spans[index].after
        return found[::-1]

    def read(self, record: Record, index: int = -1, *, nested: bool = False) -> None:
        """Reads the next record of the turn, whose index in its log is `index`."""
        match record.hook:
            case "before_agent":
                self._begin(record)
            case "before_model":
                self._ask(record, index, nested)
            case "after_model" | "model_error":
                if not record.partial:
                    self._answered(record)
            case "before_tool":
                if record.kind == "function":
                    base = self._frame(record.activation).base
                    self._called[record.call] = self._open("tool", record, index, base, nested)
            case "after_tool" | "tool_error":
                self._come_back(record)
            case "event":
                self._withdraw(record)
                for call in record.responses:
                    self._finish_task(call)
            case "after_agent" | "agent_error":
                self._end_node(self._frame(record.activation))

    def _begin(self, record: Record) -> None:
        if record.activation in self._frames:
            return
        source = self._frame(record.parent)
        start = source.path if record.cause == "transfer" else source.base
        group = (record.run, record.parent, record.parent_name)
        if record.cause == "node":
            start = max(start, self._before_node(group, record.branch))
        elif record.cause == "user":
            # ADK runs one agent after another at the root of a turn.
            start = self._longest
        elif record.cause == "task":
            self._delegated[record.call] = record.parent
        call = source.call if record.cause == "transfer" else record.call
        self._frames[record.activation] = _Frame(
            start, start, call=call, group=group, branch=record.branch
        )
        self._note(self._frames[record.activation])

    def _open(
        self, kind: Literal["model", "tool"], record: Record, index: int, end: _End, nested: bool
    ) -> int:
        span = Span(
            kind=kind,
            agent=record.agent,
            name=record.model if kind == "model" else record.tool,
            record=index,
            began=record.time,
            start=end.length,
            after=end.span,
            nested=nested,
        )
        self.spans.append(span)
        return len(self.spans) - 1

    def _ask(self, record: Record, index: int, nested: bool) -> None:
        activation = self._frame(record.activation)
        activation.asked = self._open("model", record, index, activation.path, nested)
        self.llm_calls += 1
        if record.request is not None:
            self.spans[activation.asked].parts = len(record.request.parts)

    def _answered(self, record: Record) -> None:
        activation = self._frame(record.activation)
        if activation.asked < 0:
            return
        span, number = self.spans[activation.asked], activation.asked
        activation.asked = -1
        span.answered = True
        if record.usage is not None:
            span.input_tokens = record.usage.input
            span.cached_tokens = record.usage.cached
            span.output_tokens = record.usage.output + record.usage.thoughts
        span.took = max(0, record.time - span.began)
        if self.pace is not None:
            span.took = self.pace.microseconds(span.output_tokens)
        self.llm += span.took
        activation.path = activation.base = _End(activation.path.length + span.took, number)
        self._note(activation)

    def _withdraw(self, record: Record) -> None:
        """Takes a model call back whose answer came without the model."""
        activation = self._frames.get(record.activation)
        if activation is None or activation.asked < 0 or record.error or record.partial:
            return
        self.spans[activation.asked].kind = "replaced"
        self.llm_calls -= 1
        activation.asked = -1

    def _come_back(self, record: Record) -> None:
        activation = self._frame(record.activation)
        end = self._inside.pop(record.call, activation.base)
        number = self._called.pop(record.call, -1)
        if number >= 0:
            span = self.spans[number]
            span.answered = True
            began = span.began
            if self.serial:
                # It was asked for before, and let go once the call before had come back.
                span.start, span.after = max((span.start, span.after), activation.path)
                began = max(began, activation.came_back)
            span.took = max(0, record.time - began)
            if self.pace is not None and self.pace.tool_milliseconds is not None:
                span.took = round(1000 * self.pace.tool_milliseconds)
            self.tools += span.took
            end = max(end, _End(span.start + span.took, number))
        activation.path = max(activation.path, end)
        if self.serial:
            activation.base, activation.came_back = activation.path, record.time
        self._note(activation)

    def _finish_task(self, call: str) -> None:
        """Goes on in the delegating frame: no tool hook tells that its task was answered."""
        if call in self._delegated:
            activation = self._frame(self._delegated.pop(call))
            activation.path = max(activation.path, self._inside.pop(call, activation.base))
            self._note(activation)

    def _end_node(self, activation: _Frame) -> None:
        ended = self._ended.setdefault(activation.group, {})
        ended[activation.branch] = max(ended.get(activation.branch, _End()), activation.path)

    def _before_node(self, group: tuple[int, int, str], branch: str) -> _End:
        """Finds the longest chain that a node had to wait for.

        A node of one branch waits for those of its own and of the branches around it; one that
        joins branches runs in the branch around them.
        """
        chains = [
            end
            for other, end in self._ended.get(group, {}).items()
            if self.serial or _is_within(branch, other) or _is_within(other, branch)
        ]
        return max(chains, default=_End())

    def _note(self, activation: _Frame) -> None:
        """Takes a frame's chain into the turn's, and into that of the call it runs in."""
        self._longest = max(self._longest, activation.path)
        if activation.call:
            self._inside[activation.call] = max(
                self._inside.get(activation.call, _End()), activation.path
            )

    def _frame(self, number: int) -> _Frame:
        return self._frames.setdefault(number, _Frame(_End(), _End()))


def _is_within(branch: str, outer: str) -> bool:
    return not outer or branch == outer or branch.startswith(f"{outer}.")
