"""Where the winner changes: who takes least as follow-ups, or topics at once, become more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import msgspec

from adk_flow._data import group_by
from adk_flow.analysis.metrics import summed
from adk_flow.analysis.run_metrics import RunMetrics

Axis = Literal[
    "follow-ups", "topics in one message", "specialists", "tools a specialist", "words of history"
]

ADVISOR, _CONSULT = "advisor", "model_consult"
"""The construct, and the tool by which its agent asks (ADK 2.11)."""
CLOSE = 1.05
"""Waits that differ by less are a tie: tools take another time in every run."""


class Winner(msgspec.Struct, frozen=True):
    """Who takes least at a point of an axis."""

    axis: Axis
    point: int
    figure: str
    """`LLM calls`, `tokens`, `critical path`, or `cost` in US dollars."""
    constructs: list[str]
    """Those that take least, of those whose checks passed."""
    values: dict[str, float]
    """What each construct takes, without those that failed a conversation of this point."""


class _Point(NamedTuple):
    """Figures of a run at a point of an axis."""

    axis: Axis
    number: int
    run: RunMetrics
    figures: dict[str, float | None]
    """None where it is not known."""


def is_unadvised(run: RunMetrics) -> bool:
    """Tells whether no plan had an advisor asked, which is one agent with a tool more then."""
    asked = any(span.name == _CONSULT for spans in run.spans for span in spans)
    return run.construct == ADVISOR and run.controlled and not asked


def find_winners(runs: Iterable[RunMetrics]) -> Iterable[Winner]:
    """Finds who takes least as follow-ups, or topics in one message, become more."""
    comparable = _comparable([point for run in runs for point in _points(run)])
    places = group_by(comparable, lambda point: (point.axis, point.number))
    for (axis, number), points in sorted(places.items(), key=lambda place: place[0]):
        for figure in points[0].figures:
            if values := _values(points, figure):
                yield name_winner(axis, number, figure, values)


def name_winner(axis: Axis, number: int, figure: str, values: dict[str, float]) -> Winner:
    """Names who takes least, of what each construct takes."""
    tie = CLOSE if figure == "critical path" else 1.000001
    limit = min(values.values()) * tie
    least = [name for name, value in values.items() if value <= limit]
    return Winner(axis, number, figure, least, values)


def _comparable(points: Sequence[_Point]) -> Iterable[_Point]:
    """Leaves follow-ups to the longest conversations, so that no change is one of conversation."""
    follow_ups = [point for point in points if point.axis == "follow-ups"]
    most = max((point.number for point in follow_ups), default=0)
    longest = {point.run.conversation for point in follow_ups if point.number == most}
    for point in points:
        if point.axis != "follow-ups" or (most and point.run.conversation in longest):
            yield point


def _values(points: Sequence[_Point], figure: str) -> dict[str, float]:
    """Gives what each construct takes, of those that came here in every conversation."""
    if any(point.figures[figure] is None for point in points):
        return {}  # whoever's figure is not known might win
    values, all_of_them = dict[str, float](), {point.run.conversation for point in points}
    for construct, own in group_by(points, lambda point: point.run.construct).items():
        trials = group_by(own, lambda point: point.run.conversation)
        means = [fmean(point.figures[figure] or 0 for point in each) for each in trials.values()]
        if trials.keys() == all_of_them:
            values[construct] = fmean(means)
    return values


def _points(run: RunMetrics) -> Iterable[_Point]:
    """Gives a run's points: its first message by topics, and follow-ups to the same specialist."""
    if not run.passed or not run.specialists or len(run.turns) != len(run.specialists):
        return
    if is_unadvised(run):
        return
    first = run.specialists[0]
    if len(run.turns) == 1 and first:
        yield _point("topics in one message", len(first), run, 1)
    if len(first) == 1 and all(names == first for names in run.specialists):
        for number in range(len(run.turns)):
            yield _point("follow-ups", number, run, number + 1)


def _point(axis: Axis, number: int, run: RunMetrics, turns: int) -> _Point:
    total = summed(run.turns[:turns])
    figures = {
        "LLM calls": total.llm_calls,
        "tokens": total.tokens,
        "critical path": total.critical_path_microseconds / 1e6,
    }
    return _Point(axis, number, run, figures)
