"""Where the winner changes: who takes least as follow-ups, or topics at once, become more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Literal, NamedTuple

import msgspec

from adk_flow.analysis.metrics import summed
from adk_flow.analysis.run_metrics import RunMetrics

Axis = Literal["follow-ups", "topics in one message"]


CLOSE = 1.05
"""Waits that differ by less are a tie: tools take another time in every run."""


class Winner(msgspec.Struct, frozen=True):
    """Who takes least at a point of an axis."""

    axis: Axis
    point: int
    figure: str
    """`LLM calls`, `tokens` or `critical path`."""
    constructs: list[str]
    """Those that take least, of those whose checks passed."""
    values: dict[str, float]
    """What each construct takes, without those that failed a conversation of this point."""


class _Point(NamedTuple):
    """Figures of a run at a point of an axis."""

    axis: Axis
    point: int
    construct: str
    conversation: str
    figures: dict[str, float | None]
    """None where it is not known."""


def find_winners(runs: Iterable[RunMetrics]) -> Iterable[Winner]:
    """Finds who takes least as follow-ups, or topics in one message, become more."""
    places: dict[tuple[Axis, int], list[_Point]] = {}
    for point in _comparable([point for run in runs for point in _points(run)]):
        places.setdefault((point.axis, point.point), []).append(point)
    for (axis, number), here in sorted(places.items(), key=lambda place: place[0]):
        for figure in here[0].figures:
            values = _values(here, figure)
            if not values:
                continue
            tie = CLOSE if figure == "critical path" else 1.000001
            least = min(values.values())
            cheapest = [name for name, value in values.items() if value <= least * tie]
            yield Winner(axis, number, figure, cheapest, values)


def _comparable(points: Sequence[_Point]) -> Iterable[_Point]:
    """Leaves follow-ups to the longest conversations, so that no change is one of conversation."""
    most = max((one.point for one in points if one.axis == "follow-ups"), default=0)
    longest = {one.conversation for one in points if (one.axis, one.point) == ("follow-ups", most)}
    for one in points:
        if one.axis != "follow-ups" or (most and one.conversation in longest):
            yield one


def _values(here: Sequence[_Point], figure: str) -> dict[str, float]:
    """Gives what each construct takes, of those that came here in every conversation."""
    conversations = dict.fromkeys(one.conversation for one in here)
    values: dict[str, float] = {}
    for name in dict.fromkeys(one.construct for one in here):
        taken = [
            [o.figures[figure] for o in here if (o.construct, o.conversation) == (name, held)]
            for held in conversations
        ]
        if any(None in trials for trials in taken):
            return {}  # whoever's figure is not known might win
        if all(taken):
            values[name] = fmean([fmean([value or 0 for value in trials]) for trials in taken])
    return values


def _points(run: RunMetrics) -> Iterable[_Point]:
    """Gives a run's points: its first message by topics, and follow-ups to the same specialist."""
    if not run.passed or not run.specialists or len(run.turns) != len(run.specialists):
        return
    first = run.specialists[0]
    if len(run.turns) == 1 and first:
        yield _point("topics in one message", len(first), run, 1)
    if len(first) == 1 and all(one == two for one, two in pairwise(run.specialists)):
        for number in range(len(run.turns)):
            yield _point("follow-ups", number, run, number + 1)


def _point(axis: Axis, number: int, run: RunMetrics, turns: int) -> _Point:
    total = summed(run.turns[:turns])
    figures = {
        "LLM calls": total.llm_calls,
        "tokens": total.tokens,
        "critical path": total.critical_path_microseconds / 1e6,
    }
    return _Point(axis, number, run.construct, run.conversation, figures)
