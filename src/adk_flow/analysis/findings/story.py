"""A log read once for all kinds of finding: turns, moves, frames, model calls, spans of calls."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from adk_flow.analysis.metrics import TurnMetrics, measure
from adk_flow.analysis.moves import Activation, FlowReader, Move
from adk_flow.log.reader import Log
from adk_flow.log.schema import AGENT_CALLS, Record, Request


class ModelCall(NamedTuple):
    """A request to a model; both are indices of records."""

    asked: int
    answered: int
    """Its whole answer or error; -1 if it was cut off."""


class Span(NamedTuple):
    """The course of a function call: indices of records."""

    began: int
    ended: int
    failed: bool


@dataclass(slots=True)
class Story:
    """What a log tells, by number of turn, frame and call."""

    records: list[Record]
    texts: dict[int, str]
    turns: list[TurnMetrics]
    activations: dict[int, Activation]
    moves: dict[int, list[Move]]
    """By turn."""
    turn_of: list[int]
    """By record; 0 where it is not known."""
    nested: list[bool]
    """By record: whether ADK's session does not show it."""
    records_of: dict[int, list[int]]
    """Indices of records by turn."""
    model_calls: list[ModelCall] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    """By function call id; only those that ended."""
    asked_in: dict[str, int] = field(default_factory=dict)
    """The event that asks for each function call."""

    def head(self, activation: Activation) -> Activation:
        """Follows transfers back to the frame that control was first given to."""
        for _ in range(len(self.activations)):
            source = self.activations.get(activation.parent)
            if activation.cause != "transfer" or source is None:
                break
            activation = source
        return activation

    def parents(self, activation: Activation) -> set[int]:
        """Numbers the frames above a frame: who called it, or handed over to it, and so on."""
        above: set[int] = set()
        while activation.parent in self.activations and activation.parent not in above:
            above.add(activation.parent)
            activation = self.activations[activation.parent]
        return above

    def faces_user(self, activation: Activation) -> bool:
        """Whether a frame talks with the user: nobody waits for its answer."""
        return self.head(activation).cause not in (*AGENT_CALLS, "node", "transfer")

    def waiting(self, turn: int) -> set[int]:
        """Numbers the frames that wait for the user's next words: task agents and who called."""
        activations = self.activations_of(turn)
        tasks = [
            activation
            for activation in activations
            if activation.cause == "task" and activation.ended_by != "return"
        ]
        return {number for task in tasks for number in (task.number, *self.parents(task))}

    def calls_of(self, turn: int) -> list[ModelCall]:
        """Lists the model calls of a turn."""
        mine = self.records_of.get(turn, [])
        first = bisect_left(self.model_calls, (mine[0],)) if mine else 0
        last = bisect_right(self.model_calls, (mine[-1] + 1,)) if mine else 0
        return [call for call in self.model_calls[first:last] if self.turn_of[call.asked] == turn]

    def requests(self, activation: Activation) -> list[tuple[int, Request]]:
        """Gives what a frame's model was sent, with the index of each record."""
        sent = [(call.asked, self.records[call.asked]) for call in self.calls_of(activation.turn)]
        return [(n, r.request) for n, r in sent if r.activation == activation.number and r.request]

    def ends(self, turn: int) -> tuple[int, ...]:
        """Finds the record that ends a turn."""
        for index in reversed(self.records_of.get(turn, [])):
            if self.records[index].hook in ("after_run", "run_error") and not self.nested[index]:
                return (index,)
        return ()

    def activations_of(self, turn: int) -> list[Activation]:
        """Lists the frames of a turn."""
        began = (self.records[index] for index in self.records_of.get(turn, []))
        numbers = dict.fromkeys(r.activation for r in began if r.hook == "before_agent")
        activations = (self.activations.get(number) for number in numbers)
        return [
            activation
            for activation in activations
            if activation is not None and activation.turn == turn
        ]

    def took(self, first: int, last: int) -> int:
        """Measures the time between two records in microseconds."""
        return max(0, self.records[last].time - self.records[first].time)


def read_story(log: Log) -> Story:
    """Reads a log."""
    reader, moves = FlowReader(), defaultdict(list)
    turn_of, nested, records_of = [], [], defaultdict(list)
    for index, record in enumerate(log.records):
        for move in reader.read(record):
            moves[move.turn].append(move)
        turn_of.append(reader.turn_of(record))
        nested.append(reader.is_nested(record))
        records_of[turn_of[-1]].append(index)
    story = Story(
        records=log.records,
        texts=log.texts,
        turns=measure(log.records),
        activations=reader.activations,
        moves=moves,
        turn_of=turn_of,
        nested=nested,
        records_of=records_of,
        model_calls=sorted(_model_calls(log.records)),
    )
    story.spans = _spans(log.records)
    story.asked_in = {
        call.id: index
        for index, record in enumerate(log.records)
        if record.hook == "event" and not record.partial
        for call in record.calls
        if call.id
    }
    return story


def _model_calls(records: list[Record]) -> Iterator[ModelCall]:
    asked: dict[tuple[int, int], int] = {}
    for index, record in enumerate(records):
        place = (record.run, record.activation)
        if record.hook == "before_model":
            if place in asked:
                yield ModelCall(asked[place], -1)
            asked[place] = index
        elif record.partial or place not in asked:
            continue
        elif record.hook in ("after_model", "model_error"):
            yield ModelCall(asked.pop(place), index)
        elif record.hook == "event" and not record.error:
            # A plugin or callback has answered in the model's place.
            del asked[place]
    yield from (ModelCall(index, -1) for index in asked.values())


def _spans(records: list[Record]) -> dict[str, Span]:
    began: dict[str, int] = {}
    spans: dict[str, Span] = {}
    for index, record in enumerate(records):
        if record.hook in ("before_tool", "before_agent") and record.call:
            began.setdefault(record.call, index)
        ended = record.responses if record.hook == "event" else ()
        if record.hook in ("after_tool", "tool_error"):
            ended = (record.call,)
        for call in ended:
            if call in began and call not in spans:
                spans[call] = Span(began[call], index, record.hook == "tool_error")
    return spans
