"""A table as lines of text that fit a width, with titles that stay on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.console import Console

from adk_flow._text import one_line
from adk_flow.render.tables import Grid, Section, Table, flatten_table
from adk_flow.render.terminal import (
    fold_words,
    print_lines,
    print_remark,
    print_title,
    print_words,
)

_LONGEST_SENTENCE = 1000

_NAME_WIDTH = 16
"""Columns that names may take in any case; longer ones are folded where there is no room."""
_GAP = "  "
_MOST_PARTS = 2
"""Parts of a table whose columns are named; where it needs more, they are numbered."""


class GridPart(NamedTuple):
    """The lines of a table, or of the columns that fit beside the names of its rows."""

    heading: list[str]
    rows: list[str]


def _lay_out(grid: Grid, width: int) -> tuple[list[GridPart], Sequence[str]]:
    """Writes a table as parts, and gives the titles that numbers stand for in it."""
    parts = list(_split(grid, width))
    numbered: Sequence[str] = ()
    if len(parts) > _MOST_PARTS:
        numbers = [str(number) for number in range(1, len(grid.header))]
        numbered = [" ".join(pair) for pair in zip(numbers, grid.header[1:], strict=True)]
        parts = list(_split(grid._replace(header=[grid.header[0], *numbers]), width))
    return [_part(part, width) for part in parts], numbered


def _widths(grid: Grid) -> list[int]:
    columns = zip(grid.header, *grid.rows, strict=True)
    return [max(map(cell_len, column)) for column in columns]


def _split(grid: Grid, width: int) -> Iterator[Grid]:
    """Splits a table of figures that is too wide into several, each with the names."""
    name, *widths = _widths(grid)
    starts, used = [1], min(name, _NAME_WIDTH)
    for index, column in enumerate(() if grid.is_prose else widths, start=1):
        used += len(_GAP) + column
        if used > width and index > starts[-1]:
            starts.append(index)
            used = min(name, _NAME_WIDTH) + len(_GAP) + column
    for start, end in pairwise([*starts, len(grid.header)]):
        first, *rows = [[row[0], *row[start:end]] for row in (grid.header, *grid.rows)]
        yield grid._replace(header=first, rows=rows)


def _part(grid: Grid, width: int) -> GridPart:
    widths = _widths(grid)
    room = width - len(_GAP) * (len(widths) - 1)
    if not grid.is_prose:
        widths[0] = min(widths[0], max(_NAME_WIDTH, room - sum(widths[1:])))
    most = max(widths)
    while most > 1 and sum(min(most, column) for column in widths) > room:
        most -= 1
    widths = [min(most, column) for column in widths]
    heading, *rows = [list(_row(cells, widths, grid)) for cells in (grid.header, *grid.rows)]
    rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    return GridPart([*heading, rule], [line for row in rows for line in row])


def _row(cells: Sequence[str], widths: Sequence[int], grid: Grid) -> Iterator[str]:
    name, *others = zip(cells, widths, strict=True)
    folded = [_fold(*name), *(list(fold_words("", *other)) for other in others)]
    for pieces in zip_longest(*folded, fillvalue=""):
        padded = [
            _pad(piece, column, is_figure=bool(index) and not grid.is_prose)
            for index, (piece, column) in enumerate(zip(pieces, widths, strict=True))
        ]
        yield _GAP.join(padded).rstrip()


def _pad(text: str, width: int, *, is_figure: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if is_figure else text + blanks


def _fold(name: str, width: int) -> list[str]:
    """Breaks a long name into lines, after underscores and spaces where it has them."""
    lines = [""]
    for piece in re.findall(r"[^_ ]*[_ ]+|[^_ ]+", name):
        for chunk in chop_cells(piece, width):
            if lines[-1] and cell_len(lines[-1] + chunk.rstrip()) > width:
                lines.append("")
            lines[-1] += chunk
    return [line.rstrip() for line in lines]


def print_section(section: Section, console: Console) -> None:
    """Prints a title, with the table and the list of sentences below it."""
    if section.title:
        print_title(section.title, console)
    if section.table:
        _print_table(section.table, console)
    for sentence in section.sentences:
        print_words(one_line(sentence, _LONGEST_SENTENCE), console, start="- ")


def _print_table(table: Table, console: Console) -> None:
    """Prints a table and what its columns and signs mean."""
    grid = flatten_table(table)
    parts, numbered = _lay_out(grid, console.width)
    for part in parts:
        print_lines(part.heading, "bold", console)
        print_lines(part.rows, "", console)
    for remark in [*([", ".join(numbered)] if numbered else []), *grid.legend]:
        print_remark(remark, console)
