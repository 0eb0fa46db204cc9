"""Where the winner changes: who takes least at each point of an axis, as a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from adk_flow._data import group_by
from adk_flow._text import format_number, format_seconds, join_names
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.crossovers import Winner
from adk_flow.render.report_links import runs_of
from adk_flow.render.tables import Cell, Column, Section, Table, TableRow, short_name

NOUNS = {
    "follow-ups": "follow-up",
    "topics in one message": "topic",
    "specialists": "specialist",
    "tools a specialist": "tool",
    "words of history": "word",
}


def crossover_sections(comparison: Comparison) -> Iterator[Section]:
    """Gives the winners along each axis; sentences only where a construct has rivals."""
    has_rivals = len(comparison.constructs) > 1
    for axis, group in groupby(comparison.winners, key=lambda winner: winner.axis):
        series = group_by(group, lambda winner: winner.figure)
        sentences = list(tell_winners(axis, series)) if has_rivals else []
        yield Section(f"By {axis}", _table(axis, series), sentences)


def _table(axis: str, series: dict[str, list[Winner]]) -> Table:
    """Gives a row for each point, and a column for each figure."""
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
    note = "Compared are the constructs that passed the checks of all conversations at a point."
    columns = [Column(_least(figure)) for figure in series]
    return Table(axis, columns, rows, is_prose=True, notes=[note])


def _cell(winner: Winner, before: Winner | None) -> Cell:
    others = sorted((v, name) for name, v in winner.values.items() if name not in winner.constructs)
    is_change = before is not None and before.constructs != winner.constructs
    notes = ["changes"] * is_change
    notes += [f"then {short_name(name)}, {_value(winner.figure, v)}" for v, name in others[:1]]
    least = min(winner.values.values(), default=0)
    text = f"{_names(winner.constructs)}: {_value(winner.figure, least)}"
    links = [f"#{runs_of(name)}" for name in [*winner.constructs[:1], *(n for _, n in others[:1])]]
    return Cell(text, notes=["; ".join(notes)], mark="change" if is_change else "", links=links)


def _value(figure: str, value: float) -> str:
    return format_seconds(value) if figure == "critical path" else format_number(value)


def _least(figure: str) -> str:
    superlatives = {"critical path": "shortest", "LLM calls": "fewest", "tokens": "fewest"}
    return f"{superlatives.get(figure, 'lowest')} {figure}"


def tell_winners(
    axis: str, series: dict[str, list[Winner]], absent: str = "did not pass"
) -> Iterator[str]:
    """Says where the winner changes, and last where it stays the same.

    `absent` is said of those that won before and are not compared any more.
    """
    same, points = list[str](), list[int]()
    for figure, winners in series.items():
        spans = [list(span) for _, span in groupby(winners, key=lambda winner: winner.constructs)]
        if len(spans) > 1:
            parts = [_part(axis, before, span, absent) for before, span in pairwise([[], *spans])]
            least = _least(figure)
            yield f"{least[0].upper()}{least[1:]} by {axis}: {'; '.join(parts)}."
        elif len(winners) > 1:
            same.append(f"{_least(figure)} ({_names(winners[0].constructs)})")
            points = [winner.point for winner in winners]
    if same:
        yield f"Throughout {_place(axis, points)}: {join_names(same)}."


def _part(axis: str, before: Sequence[Winner], span: Sequence[Winner], absent: str) -> str:
    """Says who wins from point to point, and which of the winners before are absent there."""
    first, place = span[0], _place(axis, [winner.point for winner in span])
    previous = [name for winner in before[-1:] for name in winner.constructs]
    failed = [short_name(name) for name in previous if first.values and name not in first.values]
    reason = f" ({join_names(failed)} {absent})" if failed else ""
    return f"{_names(first.constructs)} at {place}{reason}"


def _place(axis: str, points: Sequence[int]) -> str:
    """Names the points that were run, and no other."""
    first, last = points[0], points[-1]
    step = points[1] - first if len(points) > 2 else 1
    if len(points) > 1 and list(points) == list(range(first, last + 1, step)):
        every = f" (every {step})" if step > 1 else ""
        return f"{first} to {last} {NOUNS[axis]}s{every}"
    return f"{join_names(map(str, points))} {NOUNS[axis]}{'' if points == [1] else 's'}"


def _names(constructs: Sequence[str]) -> str:
    return ", ".join(map(short_name, constructs))
