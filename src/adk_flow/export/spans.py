"""A log as spans that lie inside each other: turns, agents, their model and tool calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from adk_flow.analysis.moves import Activation, FlowReader, Move
from adk_flow.log.schema import Record, Usage

NONE = -1


class FlowSpan(msgspec.Struct, kw_only=True):
    """A turn, the activation of an agent, a model call or a tool call; times since the epoch."""

    kind: Literal["turn", "agent", "model", "replaced", "tool"]
    """`replaced` is a model call that a plugin or callback has answered in the model's place."""
    name: str
    """The agent's, the model's or the tool's; of a turn, the agent's that ADK began with."""
    agent: str = ""
    turn: int
    activation: int = 0
    record: int
    """Index of the record that begins it."""
    parent: int = NONE
    """Index of the span that it lies in."""
    source: int = NONE
    """Index of the span of the agent that handed over to it."""
    cause: str = ""
    """Why an agent began, see `Record.why`."""
    tool_kind: str = ""
    call: str = ""
    nested: bool = False
    """Whether it is in a run of its own, which ADK's session does not show."""
    usage: Usage = Usage()
    error: str = ""
    began: int
    """Microseconds."""
    ended: int = 0
    """Microseconds; of what was never answered or closed, the end of the span that it lies in."""
    complete: bool = False
    """Whether its own end was logged."""


class Placed(NamedTuple):
    """A move, and the span that it is told on."""

    move: Move
    span: int


class Spans(NamedTuple):
    """The spans of a log, each after the one that it lies in, and its moves on them."""

    spans: list[FlowSpan]
    moves: list[Placed]


def spans_of(records: Sequence[Record]) -> Spans:
    """Reads the spans of a whole log."""
    reader = _Reader()
    for record in records:
        reader.read(record)
    reader.close(records)
    return Spans(reader.spans, [reader.placed(move) for move in reader.moves])


def stage_of(move: Move, activations: Mapping[int, Activation]) -> int:
    """Finds the frame in which a move is told; 0 is the turn.

    An agent's own frame tells what it asks of others and what comes back, so that a fork, its
    calls and their returns stand together; a transfer is told by the agent that takes over.
    """
    match move.kind:
        case "start" | "end":
            return 0
        case "call" | "ask":
            return move.parent
        case "answer" | "return":
            return _parent_of(move.activation, activations)
        case _:
            return move.activation


def _parent_of(number: int, activations: Mapping[int, Activation]) -> int:
    """Follows transfers back to the frame that was called, and gives its caller."""
    for _ in range(len(activations)):
        activation = activations.get(number)
        if activation is None:
            break
        number = activation.parent
        if activation.cause != "transfer":
            return number
    return 0


class _Reader:
    """Spans as far as the records went."""

    def __init__(self) -> None:
        self.spans: list[FlowSpan] = []
        self.moves: list[Move] = []
        self._flow = FlowReader()
        self._index = NONE
        self._turns: dict[int, int] = {}
        self._agents: dict[int, int] = {}
        self._asked: dict[int, int] = {}
        """Span of the model call that is under way, by frame."""
        self._tools: dict[str, int] = {}
        """Span of each tool call, by call id."""

    def read(self, record: Record) -> None:
        """Reads the next record."""
        self._index += 1
        self.moves += self._flow.read(record)
        number = self._flow.turn_of(record)
        if not number:
            return
        turn = self.spans[self._turn(number, record)]
        turn.ended = max(turn.ended, record.time)
        match record.hook:
            case "before_agent":
                if record.activation not in self._agents:
                    self._begin(record)
            case "agent_error":
                self._fail(self._agents.get(record.activation, NONE), record)
            case "before_model":
                opened = self._open("model", record.model, record, self._inside(record))
                self._asked[record.activation] = opened
            case "after_model" | "model_error":
                if not record.partial:
                    self._close(self._asked.pop(record.activation, NONE), record)
            case "before_tool":
                opened = self._open("tool", record.tool, record, self._inside(record))
                self._tools[record.call] = opened
            case "after_tool" | "tool_error":
                self._close(self._tools.get(record.call, NONE), record)
            case "event":
                self._withdraw(record)
            case "after_run" | "run_error":
                if not self._flow.is_nested(record):
                    turn.complete = True
                    turn.error = record.error
            case _:
                pass

    def placed(self, move: Move) -> Placed:
        """Finds the span that a move is told on: the turn's, once its agent's has ended."""
        index = self._agents.get(stage_of(move, self._flow.activations), NONE)
        if index == NONE or self.spans[index].ended < move.time:
            index = self._turns.get(move.turn, 0)
        return Placed(move, index)

    def close(self, records: Sequence[Record]) -> None:
        """Ends agents where their frames ended, and whatever is still open with its parent."""
        for number, index in self._agents.items():
            activation, span = self._flow.activations.get(number), self.spans[index]
            if activation is not None and activation.ended >= 0:
                span.ended, span.complete = records[activation.ended].time, True
        for span in self.spans:
            if not span.complete and span.parent != NONE:
                span.ended = self.spans[span.parent].ended
            span.ended = max(span.began, span.ended)

    def _turn(self, number: int, record: Record) -> int:
        if number not in self._turns:
            self._turns[number] = self._open("turn", "", record, NONE)
        index = self._turns[number]
        turn = self.spans[index]
        turn.name = turn.name or record.agent
        return index

    def _begin(self, record: Record) -> None:
        source = self._agents.get(record.parent, NONE) if record.cause == "transfer" else NONE
        parent = self._tools.get(record.call, self._agents.get(record.parent, NONE))
        if source != NONE:
            # As in ADK's own traces, who takes over stands beside who handed over.
            parent = self.spans[source].parent
        if parent == NONE:
            parent = self._turns[self._flow.turn_of(record)]
        index = self._open("agent", record.agent, record, parent)
        self.spans[index].source, self.spans[index].cause = source, record.cause
        self._agents[record.activation] = index

    def _inside(self, record: Record) -> int:
        turn = self._turns[self._flow.turn_of(record)]
        return self._agents.get(record.activation, turn)

    def _open(
        self,
        kind: Literal["turn", "agent", "model", "tool"],
        name: str,
        record: Record,
        parent: int,
    ) -> int:
        span = FlowSpan(
            kind=kind,
            name=name,
            agent=record.agent,
            turn=self._flow.turn_of(record),
            activation=record.activation,
            record=self._index,
            parent=parent,
            tool_kind=record.kind,
            call=record.call,
            nested=self._flow.is_nested(record),
            began=record.time,
        )
        self.spans.append(span)
        return len(self.spans) - 1

    def _close(self, index: int, record: Record) -> None:
        if index == NONE:
            return
        span = self.spans[index]
        span.ended, span.complete = record.time, True
        span.usage = record.usage or span.usage
        self._fail(index, record)

    def _fail(self, index: int, record: Record) -> None:
        if index != NONE:
            self.spans[index].error = record.error

    def _withdraw(self, record: Record) -> None:
        """Marks a model call whose answer came without the model, as `timing` does."""
        if record.activation not in self._asked or record.error or record.partial:
            return
        self.spans[self._asked.pop(record.activation)].kind = "replaced"
