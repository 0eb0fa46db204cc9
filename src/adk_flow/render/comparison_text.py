"""A comparison for the terminal, 80 columns wide and readable without colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from textwrap import wrap

from rich import box
from rich.cells import cell_len, chop_cells
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adk_flow._text import one_line
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.render import comparison_model, statements
from adk_flow.render.comparison_model import Cells

_NAME_WIDTH, _UNFOLDED = 16, 32
"""Columns that a construct's name takes at most, folded where a table is too wide otherwise."""
_GAP = 2
_LONGEST_SENTENCE = 1000


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Prints tables and what follows from them."""
    first, *others = statements.heading(comparison)
    console.print(Text(first, style="bold"))
    for line in others:
        console.print(Text(line, style="dim"))
    _show_calls(comparison, console)
    _show_figures(comparison, console)
    told = [hidden] if (hidden := statements.hidden(comparison)) else []
    _show_sentences(comparison_model.HIDDEN, told, console)
    _show_sentences(comparison_model.CHANGES, statements.changes(comparison), console)
    _show_findings(comparison, console)
    _show_sentences(comparison_model.RECOMMENDATION, write_recommendation(comparison), console)
    _show_sentences(comparison_model.CAVEATS, write_caveats(comparison), console)


def _show_title(title: str, console: Console) -> None:
    console.print(Text(f"\n{title}", style="bold"))


def _show_legend(legend: str, console: Console) -> None:
    if legend:
        console.print(Text(legend, style="dim"))


def _show_calls(comparison: Comparison, console: Console) -> None:
    """Prints the call table, shortened and in parts until it fits."""
    _show_title(comparison_model.CALLS, console)
    cells = _fitted(comparison, console.width)
    for part in _parts(cells, console.width):
        console.print(_table(part, console.width))
    names = comparison_model.calls(comparison).header[1:]
    if names != cells.header[1:]:
        pairs = zip(cells.header[1:], names, strict=True)
        legend = [Text(f"{number} {name}", style="dim") for number, name in pairs]
        console.print(Columns(legend, padding=(0, 2)))
    _show_legend(comparison_model.failed_legend(comparison), console)


def _fitted(comparison: Comparison, width: int) -> Cells:
    """Gives the call table as full as it fits: with names, with numbers, then with fewer turns."""
    cells = comparison_model.calls(comparison)
    if _width(cells) <= width:
        return cells
    numbers = ["construct", *map(str, range(1, len(cells.header)))]
    turns = {len(counts) for one in comparison.constructs for counts in one.after_turns.values()}
    for most in sorted(turns, reverse=True):
        cells = Cells(numbers, comparison_model.calls(comparison, most).rows)
        if _width(cells) <= width:
            break
    return cells


def _columns(cells: Cells, name_width: int = _NAME_WIDTH) -> list[int]:
    """Measures the columns, names folded and titles broken into words."""
    words = [max(map(cell_len, title.split())) for title in cells.header]
    rows = [
        [max(map(cell_len, _folded(name, name_width))), *map(cell_len, row)]
        for name, *row in cells.rows
    ]
    return [max(column) for column in zip(words, *rows, strict=True)]


def _width(cells: Cells, name_width: int = _NAME_WIDTH) -> int:
    widths = _columns(cells, name_width)
    return sum(widths) + _GAP * (len(widths) - 1)


def _parts(cells: Cells, width: int) -> Iterable[Cells]:
    """Splits a table that is too wide into several, each with the constructs."""
    name, *widths = _columns(cells)
    starts, used = [1], name
    for index, column in enumerate(widths, start=1):
        used += _GAP + column
        if used > width and index > starts[-1]:
            starts.append(index)
            used = name + _GAP + column
    for start, end in pairwise([*starts, len(cells.header)]):
        rows = [[row[0], *row[start:end]] for row in cells.rows]
        yield Cells([cells.header[0], *cells.header[start:end]], rows)


def _show_figures(comparison: Comparison, console: Console) -> None:
    _show_title(comparison_model.COSTS, console)
    console.print(_table(comparison_model.costs(comparison), console.width))
    _show_legend(comparison_model.difference_legend(comparison), console)
    _show_title(comparison_model.TIMES, console)
    console.print(_table(comparison_model.times(comparison), console.width))
    _show_legend(comparison_model.sight_legend(comparison), console)


def _show_findings(comparison: Comparison, console: Console) -> None:
    cells = comparison_model.findings_told(comparison)
    _show_title(
        comparison_model.FINDINGS if cells.rows else f"{comparison_model.FINDINGS}: none", console
    )
    if cells.rows:
        console.print(_table(cells, console.width, is_prose=True))


def _table(cells: Cells, width: int, *, is_prose: bool = False) -> Table:
    """Lays out a table, its names folded if it does not fit otherwise."""
    has_room = is_prose or _width(cells, _UNFOLDED) <= width
    name_width = _UNFOLDED if has_room else _NAME_WIDTH
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for index, (title, column) in enumerate(
        zip(cells.header, _columns(cells, name_width), strict=True)
    ):
        lines = wrap(title, column, break_long_words=False)
        table.add_column(
            Text("\n".join(lines)),
            justify="right" if index and not is_prose else "left",
            overflow="fold",
        )
    for name, *row in cells.rows:
        table.add_row(Text("\n".join(_folded(name, name_width)), style="bold"), *map(Text, row))
    return table


def _folded(name: str, width: int) -> list[str]:
    """Breaks a long name into lines, after underscores where it has them."""
    lines = [""]
    for piece in re.findall(r"[^_]*_+|[^_]+", name):
        for chunk in chop_cells(piece, width):
            if lines[-1] and cell_len(lines[-1] + chunk) > width:
                lines.append("")
            lines[-1] += chunk
    return lines


def _show_sentences(title: str, sentences: Sequence[str], console: Console) -> None:
    """Prints sentences under a title; nothing where there are none."""
    if not sentences:
        return
    _show_title(title, console)
    listed = Table.grid(padding=(0, 1, 0, 0))
    listed.add_column(no_wrap=True)
    listed.add_column(overflow="fold")
    for sentence in sentences:
        listed.add_row(Text("-"), Text(one_line(sentence, _LONGEST_SENTENCE)))
    console.print(listed)
