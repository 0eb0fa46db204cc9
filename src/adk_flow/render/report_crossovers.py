"""Where the winner changes, for the report: who takes least at each point of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.crossovers import Winner
from adk_flow.render.report_tables import listed


class Point(NamedTuple):
    """Who takes least at a point of an axis, and who comes next."""

    point: int
    figures: list[Best | None]


class Best(NamedTuple):
    """Winners by a figure."""

    constructs: list[str]
    value: str
    next: str
    is_change: bool


class AxisTable(NamedTuple):
    """An axis along which the winner may change."""

    axis: str
    figures: list[str]
    points: list[Point]
    sentences: list[str]


def axis_tables(comparison: Comparison) -> list[AxisTable]:
    """Lays winners out by axis: a row a point, a column a figure."""
    return [
        _axis_table(axis, list(here))
        for axis, here in groupby(comparison.winners, key=lambda one: one.axis)
    ]


def _axis_table(axis: str, winners: Sequence[Winner]) -> AxisTable:
    figures = list(dict.fromkeys(one.figure for one in winners))
    rows: dict[int, list[Best | None]] = {}
    sentences: list[str] = []
    for column, figure in enumerate(figures):
        before: Winner | None = None
        for one in (one for one in winners if one.figure == figure):
            changes = before is not None and before.constructs != one.constructs
            row = rows.setdefault(one.point, [None] * len(figures))
            row[column] = _best(one, changes)
            if before is not None and changes:
                sentences.append(_told(before, one))
            before = one
    return AxisTable(axis, figures, [Point(*row) for row in sorted(rows.items())], sentences)


def _best(one: Winner, is_change: bool) -> Best:
    least = min(one.values.values())
    others = sorted((v, name) for name, v in one.values.items() if name not in one.constructs)
    then = f"then {others[0][1]}, {_value(one.figure, others[0][0])}" if others else ""
    return Best(one.constructs, _value(one.figure, least), then, is_change)


def _value(figure: str, value: float) -> str:
    return (
        f"{value:.2f} s"
        if figure == "critical path"
        else f"{value:,.5g}"
        if (value < 1e4)
        else f"{value:,.0f}"
    )


def _told(before: Winner, now: Winner) -> str:
    """Says where the winner changes, and if so that the one before did not pass."""
    noun = "follow-up" if now.axis == "follow-ups" else "topic"
    place = f"From {now.point} {noun}{'' if now.point == 1 else 's'}"
    place += " on" if now.axis == "follow-ups" else " in one message on"
    figure = (
        "the critical path favours" if now.figure == "critical path" else f"{now.figure} favour"
    )
    gone = [name for name in before.constructs if name not in now.constructs]
    if not gone:
        return f"{place}, {figure} {listed(now.constructs)} alike."
    failed = [name for name in gone if name not in now.values]
    reason = f" ({listed(failed)} did not pass there)" if failed else ""
    return f"{place}, {figure} {listed(now.constructs)} instead of {listed(gone)}{reason}."
