"""A table as lines of text that fit a width, with titles that stay on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from rich.cells import cell_len, chop_cells
from rich.console import Console

from adk_flow._text import one_line
from adk_flow.render.tables import Section, Table, flatten_table
from adk_flow.render.terminal import fold_words, print_lines, print_remark, print_title, print_words

_NAME_WIDTH = 16
"""Columns that names may take in any case; longer ones are folded where there is no room."""
_GAP = "  "
_MOST_PARTS = 2
"""Parts of a table whose columns are named; where it needs more, they are numbered."""


_Lines = list[list[str]]
"""A table's words: the names of its columns, then its rows."""


def _lay_out(lines: _Lines, width: int, *, is_prose: bool) -> tuple[list[_Lines], Sequence[str]]:
    """Splits a table into parts that fit, and gives the titles that numbers stand for in it."""
    if is_prose:
        return [lines], ()
    parts = list(_split(lines, width))
    if len(parts) <= _MOST_PARTS:
        return parts, ()
    numbers = [str(number) for number in range(1, len(lines[0]))]
    numbered = [" ".join(pair) for pair in zip(numbers, lines[0][1:], strict=True)]
    return list(_split([[lines[0][0], *numbers], *lines[1:]], width)), numbered


def _widths(lines: _Lines) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*lines, strict=True)]


def _split(lines: _Lines, width: int) -> Iterator[_Lines]:
    """Splits a table of figures that is too wide into several, each with the names."""
    name, *widths = _widths(lines)
    starts, used = [1], min(name, _NAME_WIDTH)
    for index, column in enumerate(widths, start=1):
        used += len(_GAP) + column
        if used > width and index > starts[-1]:
            starts.append(index)
            used = min(name, _NAME_WIDTH) + len(_GAP) + column
    for start, end in pairwise([*starts, len(lines[0])]):
        yield [[line[0], *line[start:end]] for line in lines]


def _print_part(lines: _Lines, console: Console, *, is_prose: bool) -> None:
    """Prints a table, or the columns of it that fit beside the names of its rows."""
    widths = _widths(lines)
    room = console.width - len(_GAP) * (len(widths) - 1)
    if not is_prose:
        widths[0] = min(widths[0], max(_NAME_WIDTH, room - sum(widths[1:])))
    most = max(widths)
    while most > 1 and sum(min(most, column) for column in widths) > room:
        most -= 1
    widths = [min(most, column) for column in widths]
    heading, *rows = [list(_row(cells, widths, is_prose=is_prose)) for cells in lines]
    rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    print_lines([*heading, rule], "bold", console)
    print_lines([line for row in rows for line in row], "", console)


def _row(cells: Sequence[str], widths: Sequence[int], *, is_prose: bool) -> Iterator[str]:
    name, *others = zip(cells, widths, strict=True)
    folded = [_fold(*name), *(list(fold_words("", *other)) for other in others)]
    for pieces in zip_longest(*folded, fillvalue=""):
        padded = []
        for index, (piece, column) in enumerate(zip(pieces, widths, strict=True)):
            blanks = " " * (column - cell_len(piece))
            padded.append(blanks + piece if index and not is_prose else piece + blanks)
        yield _GAP.join(padded).rstrip()


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
        print_words(one_line(sentence, 1000), console, start="- ")


def _print_table(table: Table, console: Console) -> None:
    """Prints a table and what its columns and signs mean."""
    flat = flatten_table(table)
    parts, numbered = _lay_out(flat.lines, console.width, is_prose=flat.is_prose)
    for part in parts:
        _print_part(part, console, is_prose=flat.is_prose)
    for remark in [*([", ".join(numbered)] if numbered else []), *flat.legend]:
        print_remark(remark, console)
