"""A log as spans that lie inside each other: turns, agents, their model and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from adk_flow.analysis.moves import Move
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
        for _, _, one in sorted(_beginnings(trace), key=lambda beginning: beginning[:2]):
            self._index[one] = len(self.spans)
            self.spans.append(self._span(one))
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

    def _span(self, one: Turn | Activation | ModelCall | ToolCall) -> FlowSpan:
        match one:
            case Turn():
                return FlowSpan(
                    kind="turn",
                    name=one.agent,
                    turn=one.number,
                    record=one.record,
                    error=one.error,
                    began=one.began,
                    ended=one.ended,
                    complete=one.complete,
                )
            case Activation():
                return self._of_activation(one)
            case _:
                return self._of_call(one)

    def _of_activation(self, one: Activation) -> FlowSpan:
        source = self._index.get(one.source, NONE) if one.cause == "transfer" else NONE
        if source != NONE:
            # As in ADK's own traces, who takes over stands beside who handed over.
            parent = self.spans[source].parent
        else:
            parent = self._first(one.within, one.source, self._turns[one.turn])
        return FlowSpan(
            kind="agent",
            name=one.agent,
            agent=one.agent,
            turn=one.turn,
            activation=one.number,
            record=one.began,
            parent=parent,
            source=source,
            cause=one.cause,
            error=one.error,
            began=one.time,
            ended=one.ended_time,
            complete=one.ended >= 0,
        )

    def _of_call(self, call: ModelCall | ToolCall) -> FlowSpan:
        activation = self._activations.get(call.activation)
        span = FlowSpan(
            kind="tool",
            name="",
            agent=call.agent,
            turn=call.turn,
            activation=call.activation,
            record=call.record,
            parent=self._first(activation, self._turns[call.turn]),
            nested=call.nested,
            error=call.error,
            began=call.began,
            ended=call.ended_time,
            complete=call.ended >= 0,
        )
        if isinstance(call, ToolCall):
            span.name, span.tool_kind, span.call = call.name, call.kind, call.id
        else:
            span.kind, span.name = "model" if call.was_made else "replaced", call.model
            span.version, span.usage = call.version, call.tokens
        return span


def _beginnings(trace: Trace) -> Iterator[tuple[int, int, Any]]:
    """Gives turns, activations and calls with their first record, what holds others first."""
    for turn in trace.turns:
        yield turn.record, 0, turn
        yield from ((activation.began, 1, activation) for activation in turn.activations)
        calls = (call for call in turn.model_calls if call.was_made or call.replaced)
        yield from ((call.record, 2, call) for call in calls)
        yield from ((call.record, 2, call) for call in turn.tool_runs)
