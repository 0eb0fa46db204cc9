"""A comparison for the terminal, 80 columns wide and readable without colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from textwrap import wrap

from rich import box
from rich.cells import cell_len, chop_cells
from rich.columns import Columns
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.comparison_model import describe_comparison, summarize_comparison
from adk_flow.render.tables import Grid, Section, Table, flatten_table
from adk_flow.render.terminal import print_remark, print_sentences, print_title

_NAME_WIDTH, _UNFOLDED = 16, 32
"""Columns that a name takes at most, folded where a table is too wide otherwise."""
_GAP = 2


def print_summary(comparison: Comparison, console: Console) -> None:
    """Prints what was compared, what to take and what went wrong."""
    first, *rest = summarize_comparison(comparison)
    console.print(Text(first.title, style="bold"))
    _print_sections([first._replace(title="")], console)
    console.print()
    _print_sections(rest, console)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints all sections that say anything."""
    report = describe_comparison(comparison)
    console.print(Text(report.title, style="bold"))
    print_remark("; ".join(f"{label} {value}" for label, value in report.facts), console)
    _print_sections(report.sections.values(), console)


def _print_sections(sections: Iterable[Section], console: Console) -> None:
    for section in sections:
        if section.is_empty:
            continue
        if section.title:
            print_title(section.title, console)
        if section.table:
            _print_table(section.table, console)
        if section.sentences:
            print_sentences(section.sentences, console)


def _print_table(table: Table, console: Console) -> None:
    """Prints a table; one that is too wide with numbers for its columns, then in parts."""
    grid = flatten_table(table)
    fitted = grid if grid.is_prose else _fit(grid, console.width)
    for part in _parts(fitted, console.width):
        console.print(_lay_out(part, console.width))
    if fitted.header != grid.header:
        pairs = zip(fitted.header[1:], grid.header[1:], strict=True)
        names = [Text(f"{number} {name}", style="dim") for number, name in pairs]
        console.print(Columns(names, padding=(0, 2)))
    for line in fitted.legend:
        print_remark(line, console)


def _fit(grid: Grid, width: int) -> Grid:
    """Gives the columns of a table that is too wide numbers for names."""
    if _width(grid) <= width:
        return grid
    return grid._replace(header=[grid.header[0], *map(str, range(1, len(grid.header)))])


def _columns(grid: Grid, name_width: int = _NAME_WIDTH, *, whole: bool = False) -> list[int]:
    """Measures the columns, names folded and titles broken into words or whole."""
    words = [max(map(cell_len, [title] if whole else title.split())) for title in grid.header]
    rows = [
        [max(map(cell_len, _fold(name, name_width))), *map(cell_len, row)]
        for name, *row in grid.rows
    ]
    return [max(column) for column in zip(words, *rows, strict=True)]


def _width(grid: Grid, name_width: int = _NAME_WIDTH, *, whole: bool = False) -> int:
    widths = _columns(grid, name_width, whole=whole)
    return sum(widths) + _GAP * (len(widths) - 1)


def _parts(grid: Grid, width: int) -> Iterator[Grid]:
    """Splits a table that is too wide into several, each with the names."""
    if grid.is_prose:
        yield grid
        return
    name, *widths = _columns(grid)
    starts, used = [1], name
    for index, column in enumerate(widths, start=1):
        used += _GAP + column
        if used > width and index > starts[-1]:
            starts.append(index)
            used = name + _GAP + column
    for start, end in pairwise([*starts, len(grid.header)]):
        first, *rows = [[row[0], *row[start:end]] for row in (grid.header, *grid.rows)]
        yield grid._replace(header=first, rows=rows)


def _lay_out(grid: Grid, width: int) -> RichTable:
    """Lays out a table, its names folded and its titles broken if it does not fit otherwise."""
    has_room = grid.is_prose or _width(grid, _UNFOLDED) <= width
    name_width = _UNFOLDED if has_room else _NAME_WIDTH
    table = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    is_whole = not grid.is_prose and _width(grid, name_width, whole=True) <= width
    columns = _columns(grid, name_width, whole=is_whole)
    for index, (title, column) in enumerate(zip(grid.header, columns, strict=True)):
        table.add_column(
            Text("\n".join(wrap(title, column, break_long_words=False))),
            justify="right" if index and not grid.is_prose else "left",
            overflow="fold",
        )
    for name, *row in grid.rows:
        table.add_row(Text("\n".join(_fold(name, name_width)), style="bold"), *map(Text, row))
    return table


def _fold(name: str, width: int) -> list[str]:
    """Breaks a long name into lines, after underscores where it has them."""
    lines = [""]
    for piece in re.findall(r"[^_]*_+|[^_]+", name):
        for chunk in chop_cells(piece, width):
            if lines[-1] and cell_len(lines[-1] + chunk) > width:
                lines.append("")
            lines[-1] += chunk
    return lines
