"""A log as spans that lie inside each other: turns, agents, their model and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Activation, ModelCall, ToolCall, Trace, Turn
from adk_flow.log.schema import Usage

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
    usage: Usage | None = Usage()
    """What a model call took; None where that is not known."""
    version: str = ""
    """The model that answered, where its provider names another."""
    error: str = ""
    began: int
    """Microseconds."""
    ended: int = 0
    """Microseconds; of what was never answered or closed, the end of the span that it lies in."""
    complete: bool = False
    """Whether its own end was logged."""


class Spans(NamedTuple):
    """The spans of a log, each after the one that it lies in, and its moves."""

    spans: list[FlowSpan]
    moves: list[tuple[Move, int]]
    """Each move with the index of the span that it is told on."""


def spans_of(trace: Trace) -> Spans:
    """Lays a trace out in spans."""
    builder = _Builder(trace)
    return Spans(builder.spans, [builder.placed(move) for move in trace.moves])


def stage_of(move: Move, activations: Mapping[int, Activation]) -> int:
    """Finds the activation in which a move is told; 0 is the turn.

    An agent's own activation tells what it asks of others and what comes back, so that a fork, its
    calls and their returns stand together; a transfer is told by the agent that takes over.
    """
    match move.kind:
        case "start" | "end":
            return 0
        case "call" | "ask":
            return move.parent
        case "answer" | "return":
            activation = activations.get(move.activation)
            return activation.head.parent if activation else 0
        case _:
            return move.activation


class _Builder:
    """Spans of turns, and in them of activations and calls, in the order in which they began."""

    def __init__(self, trace: Trace) -> None:
        self._activations = trace.activations
        self._turns = {turn.number: turn for turn in trace.turns}
        self._index: dict[Turn | Activation | ModelCall | ToolCall | None, int] = {}
        """Index of each one's span."""
        self.spans: list[FlowSpan] = []
        for _, _, item in sorted(_beginnings(trace), key=lambda beginning: beginning[:2]):
            self._index[item] = len(self.spans)
            self.spans.append(self._span(item))
        for span in self.spans:
            if not span.complete and span.parent != NONE:
                span.ended = self.spans[span.parent].ended
            span.ended = max(span.began, span.ended)

    def placed(self, move: Move) -> tuple[Move, int]:
        """Finds the span that a move is told on: the turn's, once its agent's has ended."""
        turn = self._turns[move.turn]
        index = self._first(self._activations.get(stage_of(move, self._activations)), turn)
        if self.spans[index].ended < move.time:
            index = self._index[turn]
        return move, index

    def _first(self, *around: Turn | Activation | ToolCall | None) -> int:
        """Finds the span of the first that has one; of a damaged log not all do."""
        return next(self._index[item] for item in around if item in self._index)

    def _span(self, item: Turn | Activation | ModelCall | ToolCall) -> FlowSpan:
        if isinstance(item, Turn):
            return FlowSpan(
                kind="turn",
                name=item.agent,
                turn=item.number,
                record=item.record,
                error=item.error,
                began=item.began,
                ended=item.ended,
                complete=item.complete,
            )
        if isinstance(item, Activation):
            activation, record, began = item.number, item.began, item.time
        else:
            activation, record, began = item.activation, item.record, item.began
        span = FlowSpan(
            kind="agent",
            name=item.agent,
            agent=item.agent,
            turn=item.turn,
            activation=activation,
            record=record,
            error=item.error,
            began=began,
            ended=item.ended_time,
            complete=item.ended >= 0,
        )
        if isinstance(item, Activation):
            span.cause = item.cause
            span.source = self._index.get(item.source, NONE) if item.cause == "transfer" else NONE
            span.parent = self._first(item.within, item.source, self._turns[item.turn])
            if span.source != NONE:
                # As in ADK's own traces, who takes over stands beside who handed over.
                span.parent = self.spans[span.source].parent
            return span
        span.nested = item.nested
        span.parent = self._first(self._activations.get(activation), self._turns[item.turn])
        if isinstance(item, ToolCall):
            span.kind, span.name, span.tool_kind, span.call = "tool", item.name, item.kind, item.id
        else:
            span.kind, span.name = "model" if item.was_made else "replaced", item.model
            span.version, span.usage = item.version, item.tokens
        return span


def _beginnings(trace: Trace) -> Iterator[tuple[int, int, Any]]:
    """Gives turns, activations and calls with their first record, what holds others first."""
    for turn in trace.turns:
        yield turn.record, 0, turn
        yield from ((activation.began, 1, activation) for activation in turn.activations)
        calls = (call for call in turn.model_calls if call.was_made or call.replaced)
        yield from ((call.record, 2, call) for call in calls)
        yield from ((call.record, 2, call) for call in turn.tool_runs)
