"""Where the winner changes: who takes least at each point of an axis, as a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from adk_flow._text import format_number, format_seconds, join_names, plural
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.crossovers import Winner
from adk_flow.render.tables import Cell, Column, Table, TableRow, short_name

_NOUNS = {"follow-ups": "follow-up", "topics in one message": "topic"}
_MOST_NAMES = 3
"""Winners that a sentence names."""
_NOTE = "Compared are the constructs that passed the checks of all conversations at a point."


class AxisCrossovers(NamedTuple):
    """Who wins along an axis."""

    axis: str
    table: Table
    """A row a point, a column a figure."""
    sentences: list[str]


def crossovers_by_axis(comparison: Comparison) -> Iterator[AxisCrossovers]:
    """Gives the winners by axis, without a word of one who has no rival."""
    has_rivals = len(comparison.constructs) > 1
    for axis, group in groupby(comparison.winners, key=lambda winner: winner.axis):
        winners = list(group)
        figures = dict.fromkeys(winner.figure for winner in winners)
        series = {name: [one for one in winners if one.figure == name] for name in figures}
        sentences = list(_sentences(axis, series)) if has_rivals else []
        yield AxisCrossovers(axis, _table(axis, series), sentences)


def _table(axis: str, series: dict[str, list[Winner]]) -> Table:
    cells = {
        (winner.figure, winner.point): _cell(winner, before)
        for winners in series.values()
        for before, winner in pairwise([None, *winners])
        if winner
    }
    rows = [
        TableRow(str(point), [cells.get((figure, point), Cell("–")) for figure in series])
        for point in sorted({point for _, point in cells})
    ]
    columns = [Column(_least(figure)) for figure in series]
    return Table(axis, columns, rows, is_prose=True, notes=[_NOTE])


def _cell(winner: Winner, before: Winner | None) -> Cell:
    names = ", ".join(map(short_name, winner.constructs))
    others = sorted((v, name) for name, v in winner.values.items() if name not in winner.constructs)
    runner_up = [f"then {short_name(n)}, {_value(winner.figure, v)}" for v, n in others[:1]]
    is_change = before is not None and before.constructs != winner.constructs
    least = min(winner.values.values(), default=0)
    return Cell(
        f"{names}: {_value(winner.figure, least)}",
        notes=["; ".join([*(["changes"] if is_change else []), *runner_up])],
        mark="change" if is_change else "",
    )


def _value(figure: str, value: float) -> str:
    return format_seconds(value) if figure == "critical path" else format_number(value)


def _least(figure: str) -> str:
    return f"{'shortest' if figure == 'critical path' else 'fewest'} {figure}"


def _sentences(axis: str, series: dict[str, list[Winner]]) -> Iterator[str]:
    """Says where the winner changes, and last where it stays the same."""
    same = []
    for figure, winners in series.items():
        runs = [list(run) for _, run in groupby(winners, key=lambda winner: winner.constructs)]
        if len(runs) > 1:
            parts = [_part(axis, before, run) for before, run in pairwise([[], *runs])]
            least = _least(figure)
            yield f"{least[0].upper()}{least[1:]} by {axis}: {'; '.join(parts)}."
        elif len(winners) > 1:
            same.append(f"{_least(figure)} ({_names(winners[0].constructs)})")
    if same:
        yield f"The same at every number of {axis}: {join_names(same)}."


def _part(axis: str, before: Sequence[Winner], run: Sequence[Winner]) -> str:
    """Says who wins from point to point, and which of the winners before did not pass there."""
    first, last = run[0].point, run[-1].point
    noun = _NOUNS[axis]
    place = plural(first, noun) if first == last else f"{first} to {last} {noun}s"
    failed = [
        name
        for winner in before[-1:]
        for name in winner.constructs
        if run[0].values and name not in run[0].values
    ]
    reason = f" ({join_names(map(short_name, failed))} did not pass)" if failed else ""
    return f"{_names(run[0].constructs)} at {place}{reason}"


def _names(constructs: Sequence[str]) -> str:
    names = [short_name(name) for name in constructs[:_MOST_NAMES]]
    more = len(constructs) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
