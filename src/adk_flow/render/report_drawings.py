"""The report's drawings: which run and turn stand for a construct, on one scale for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.sequence import sequence_drawing
from adk_flow.render.sequence_steps import lanes_of
from adk_flow.render.svg import Drawing
from adk_flow.render.waterfall_svg import growth, waterfall

_Of = TypeVar("_Of")

_MOST_TURNS, MOST_CONVERSATIONS = 3, 12
"""What is drawn beside the turn that stands for all: turns of each conversation, conversations."""


class Picture(NamedTuple):
    """What is drawn of a construct; None where it was not run or nothing was logged."""

    construct: str
    drawing: Drawing | None
    figures: TurnMetrics | None


class Held(NamedTuple):
    """A conversation drawn turn by turn: for each construct its turns."""

    conversation: str
    turns: list[tuple[int, list[Picture]]]
    left_out: int
    """Turns that are not drawn."""


def first_run(comparison: Comparison, construct: str, conversation: str) -> RunMetrics | None:
    """Finds the first trial of a conversation under a construct."""
    return next(
        (
            run
            for run in comparison.runs
            if (run.construct, run.conversation) == (construct, conversation)
        ),
        None,
    )


def drawn_conversation(comparison: Comparison) -> str:
    """Chooses the conversation that is drawn: one message of most topics, else the first."""

    def topics(run: RunMetrics) -> int:
        return len(run.specialists[0]) if len(run.turns) == 1 and run.specialists else 0

    best = max(comparison.runs, key=topics, default=None)
    if best is None or not topics(best):
        return next(iter(comparison.conversations), "")
    return best.conversation


def longest_conversation(comparison: Comparison) -> str:
    """Chooses the conversation whose contexts are drawn: the one of most turns."""
    best = max(comparison.runs, key=lambda run: len(run.turns), default=None)
    return best.conversation if best else ""


def sequences(comparison: Comparison, conversation: str, turn: int = 1) -> list[Picture]:
    """Draws a turn under every construct, each agent in the same order of lanes."""
    order = _lane_order(comparison, conversation)
    return [
        _sequence(first_run(comparison, one.construct, conversation), one.construct, turn, order)
        for one in comparison.constructs
    ]


def other_sequences(comparison: Comparison, drawn: str) -> list[Held]:
    """Draws what is not drawn large: the other conversations, and its own later turns."""
    held = []
    for name in comparison.conversations[:MOST_CONVERSATIONS]:
        runs = [run for run in comparison.runs if run.conversation == name]
        most = max((len(run.turns) for run in runs), default=0)
        numbers = [number for number in range(1, most + 1) if name != drawn or number > 1]
        turns = [(n, sequences(comparison, name, n)) for n in numbers[:_MOST_TURNS]]
        if turns:
            held.append(Held(name, turns, len(numbers) - len(turns)))
    return held


def _lane_order(comparison: Comparison, conversation: str) -> list[str]:
    """Orders lanes alike under all constructs: those that only one of them has come first."""
    seen: dict[str, int] = {}
    for one in comparison.constructs:
        run = first_run(comparison, one.construct, conversation)
        for name in lanes_of(run.moves, _all_spans(run)) if run else ():
            seen[name] = seen.get(name, 0) + 1
    own = [name for name, count in seen.items() if count == 1 and name != USER]
    shared = [name for name, count in seen.items() if count > 1 and name != USER]
    return [USER, *own, *shared]


def _all_spans(run: RunMetrics) -> list[Span]:
    return [span for spans in run.spans for span in spans]


def _sequence(run: RunMetrics | None, construct: str, turn: int, order: Sequence[str]) -> Picture:
    moves = [move for move in run.moves if move.turn == turn] if run else []
    if run is None or not moves:
        return Picture(construct, None, None)
    spans = _of_turn(run.spans, turn)
    lanes = sorted(lanes_of(moves, spans), key=order.index)
    about = f"Sequence of turn {turn} of {run.conversation} under {construct}"
    drawing = sequence_drawing(moves, spans, lanes, about)
    return Picture(construct, drawing, next((one for one in run.turns if one.turn == turn), None))


def _of_turn(values: Sequence[list[_Of]], turn: int) -> list[_Of]:
    return values[turn - 1] if turn <= len(values) else []


def waterfalls(comparison: Comparison, conversation: str) -> list[Picture]:
    """Draws the calls of the first turn under every construct on one scale of time."""
    projected = is_projected(comparison)
    runs = {
        one.construct: first_run(comparison, one.construct, conversation)
        for one in comparison.constructs
    }
    whole = max((_end(run, projected) for run in runs.values() if run), default=1)
    return [_waterfall(run, name, whole, projected) for name, run in runs.items()]


def is_projected(comparison: Comparison) -> bool:
    """Whether times are those of a schedule that nobody waited for."""
    return bool(comparison.setting.pace) and not comparison.setting.slept


def _end(run: RunMetrics, projected: bool) -> int:
    if not run.turns or not run.spans:
        return 0
    ends = [
        (span.start if projected else span.began - run.turns[0].began) + span.took
        for span in run.spans[0]
    ]
    return max(ends, default=0)


def _waterfall(run: RunMetrics | None, construct: str, whole: int, projected: bool) -> Picture:
    if run is None or not run.turns or not run.spans or not run.spans[0]:
        return Picture(construct, None, None)
    drawing = waterfall(
        run.spans[0],
        _of_turn(run.critical, 1),
        began=None if projected else run.turns[0].began,
        whole=whole,
        about=f"Calls of turn 1 of {run.conversation} over time under {construct}",
    )
    return Picture(construct, drawing, run.turns[0])


def growths(comparison: Comparison, conversation: str) -> list[Picture]:
    """Draws the input tokens of every model call of a conversation on one scale."""
    runs = {
        one.construct: first_run(comparison, one.construct, conversation)
        for one in comparison.constructs
    }
    asked = [
        [span.input_tokens for span in _all_spans(run) if span.kind == "model"]
        for run in runs.values()
        if run
    ]
    most = max((tokens for one in asked for tokens in one), default=0)
    calls = max(map(len, asked), default=0)
    return [
        Picture(
            name,
            growth(run.spans, most=most, calls=calls, about=f"Input tokens under {name}")
            if run and any(span.kind == "model" for span in _all_spans(run))
            else None,
            run.total if run else None,
        )
        for name, run in runs.items()
    ]
