"""Moves drawn as lines that read like a picture, and two pictures laid side by side."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from itertools import zip_longest
from textwrap import dedent, wrap
from typing import Any

import msgspec
from rich.cells import cell_len, chop_cells

from adk_flow._text import plain
from adk_flow.analysis.move import Move

ANY = "..."
"""In an expected line: whatever words."""

_INDENT = "  "

_SIGN = re.compile(r"^(?:start|end)\b| (?:=>|->|<-|-<|>-|say|ask|answer|reply)(?= |$)")
"""What tells the kind of move of a line."""


class Snapshot(list[str]):
    """Moves as lines; equal to what says the same as a text or as a list of lines.

    Empty lines, which part the turns, and indentation do not count, and `...` in an expected line
    stands for any words.
    """

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Snapshot):
            return list(self) == list(other)
        expected = lines_of(other)
        if expected is None:
            return NotImplemented
        actual = _filled(self)
        pairs = zip(expected, actual, strict=False)
        return len(expected) == len(actual) and all(says(*pair) for pair in pairs)

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __str__(self) -> str:
        return "\n".join(self)


def draw_snapshot(moves: Iterable[Move]) -> Snapshot:
    """Draws control with arrows and conversation in quotes, a line a move, a gap a turn."""
    lines, turn = Snapshot(), 0
    for move in moves:
        if turn not in (0, move.turn):
            lines.append("")
        turn = move.turn
        lines.append(_drawn(move))
    return lines


def _drawn(move: Move) -> str:
    source, target = _one_line(move.source), _one_line(move.target)
    failed = " FAILED" if move.failed else ""
    match move.kind:
        case "start" | "end":
            return f"{move.kind} {source} to {target}{failed}"
        case "transfer":
            return f"{source} => {target}"
        case "call":
            return f"{source} -> {target} ({_one_line(move.cause)})"
        case "return":
            return f"{target} <- {source}{failed}"
        case "fork":
            return f"{source} -< {target}"
        case "join":
            return f"{source} >-"
        case _:
            return f'{source} {move.kind} {target} "{_one_line(move.text)}"'


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())


def lines_of(expected: object) -> list[str] | None:
    """Reads the filled lines of a picture written as a text or as lines; None if it is neither."""
    if isinstance(expected, str):
        return _filled(dedent(expected).splitlines())
    if isinstance(expected, (list, tuple)) and all(isinstance(line, str) for line in expected):
        return _filled(expected)
    return None


def _filled(lines: Iterable[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def says(expected: str, actual: str) -> bool:
    """Whether a line is as expected, where `...` stands for any words."""
    # In time linear in the line, as a pattern of `.*` would not be.
    parts = (re.sub(r"([*?[])", r"[\1]", part) for part in expected.split(ANY))
    return expected == actual or fnmatchcase(actual, "*".join(parts))


class AlignedLine(msgspec.Struct, frozen=True):
    """A line of each of two pictures; empty where one has none."""

    left: str
    right: str
    same: bool = False

    @property
    def mark(self) -> str:
        """A sign: `-` only left, `+` only right, `!` not the same, a space for the same."""
        if self.same:
            return " "
        if not self.left or not self.right:
            return "-" if self.left else "+"
        return "!"


def aligned(left: Any, right: Any, *, exactly: bool = False) -> list[AlignedLine]:
    """Lays two pictures side by side, the same lines beside each other as far as they can be.

    Unless `exactly`, `...` in a line on the left stands for any words.
    """
    fits = operator.eq if exactly else says
    expected, actual = lines_of(left) or [], lines_of(right) or []
    # A line with `...` is taken for the first that it may stand for.
    keys = [next((other for other in actual if fits(line, other)), line) for line in expected]
    rows = []
    for kind, i, j, k, m in _opcodes(keys, actual):
        if kind == "equal":
            pairs = zip(expected[i:j], actual[k:m], strict=True)
            rows += [AlignedLine(*pair, same=True) for pair in pairs]
        else:
            rows += _unlike(expected[i:j], actual[k:m])
    return rows


def _opcodes(left: list[str], right: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, left, right, autojunk=False).get_opcodes()


def _unlike(left: list[str], right: list[str]) -> Iterator[AlignedLine]:
    """Pairs lines that are not the same, those of the same kind of move first."""
    for _, i, j, k, m in _opcodes(*(list(map(_kind, lines)) for lines in (left, right))):
        for one, other in zip_longest(left[i:j], right[k:m], fillvalue=""):
            yield AlignedLine(one, other)


def _kind(line: str) -> str:
    sign = _SIGN.search(line)
    return sign[0] if sign else line


def side_by_side(
    rows: Sequence[AlignedLine], headings: tuple[str, str] = ("expected", "actual"), width: int = 80
) -> list[str]:
    """Writes rows as lines of two columns, what does not fit folded below."""
    column = (width - 3) // 2
    folded = [_folded(" ", *headings, column)]
    folded += [_folded(row.mark, row.left, row.right, column) for row in rows]
    return [line for lines in folded for line in lines]


def _folded(mark: str, left: str, right: str, column: int) -> Iterator[str]:
    for number, (one, two) in enumerate(
        zip_longest(_pieces(left, column), _pieces(right, column), fillvalue="")
    ):
        gap = " " * (column - cell_len(one))
        yield f"{one}{gap} {mark if not number else ' '} {two}".rstrip()


def _pieces(text: str, column: int) -> list[str]:
    pieces = wrap(text, column, subsequent_indent=_INDENT, drop_whitespace=True)
    return [part for piece in pieces for part in chop_cells(piece, column)]
