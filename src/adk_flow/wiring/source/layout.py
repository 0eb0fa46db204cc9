"""Python expressions laid out in lines, as `ruff format` would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

WIDTH = 100
_INDENT = "    "
_PIECE = 76
"""Characters of a piece of a long text."""


class Group(NamedTuple):
    """An expression in brackets, which may be broken after each item."""

    opening: str
    items: Sequence[tuple[str, Source]]
    """Each with what stands before it: a field's name or a key."""
    closing: str
    separator: str = ","
    """Empty between the pieces of one text."""


Source = str | Group


def call_of(function: str, *items: Source, **named: Source) -> Group:
    """Writes a call."""
    if len(items) == 1 and not named and isinstance(items[0], Group) and not items[0].separator:
        return items[0]._replace(opening=f"{function}(")  # a text in pieces has brackets already
    fields = ((f"{name}=", value) for name, value in named.items())
    return Group(f"{function}(", [*(("", item) for item in items), *fields], ")")


def listing(items: Iterable[Source], opening: str = "[", closing: str = "]") -> Group:
    """Writes a list, or what stands in other brackets."""
    return Group(opening, [("", item) for item in items], closing)


def lay_out(source: Source, before: str = "", depth: int = 0, after: int = 0) -> str:
    """Writes an expression behind other text, broken where the line would be too long.

    `depth` says how deep the line is indented, `after` how many characters follow on it.
    """
    line = f"{before}{_flat(source)}"
    is_long = len(_INDENT) * depth + len(line) + after > WIDTH
    # Of a text in pieces each stands on a line of its own.
    if isinstance(source, str) or not (is_long or not source.separator):
        return line
    inner = _INDENT * (depth + 1)
    lines = (
        f"{inner}{lay_out(item, prefix, depth + 1, len(source.separator))}{source.separator}"
        for prefix, item in source.items
    )
    return "\n".join([f"{before}{source.opening}", *lines, f"{_INDENT * depth}{source.closing}"])


def _flat(source: Source) -> str:
    if isinstance(source, str):
        return source
    items = f"{source.separator} ".join(prefix + _flat(item) for prefix, item in source.items)
    is_single = source.opening == "(" and source.separator and len(source.items) == 1
    return f"{source.opening}{items}{',' if is_single else ''}{source.closing}"


def literal(text: str) -> Source:
    """Writes a text, a long one in pieces."""
    pieces = [*_pieces(text)]
    if len(pieces) < 2:
        return _quoted(text)
    return Group("(", [("", _quoted(piece)) for piece in pieces], ")", separator="")


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        while len(line) > _PIECE:
            cut = line.rfind(" ", 1, _PIECE) + 1 or _PIECE
            yield line[:cut]
            line = line[cut:]
        yield line


def _quoted(text: str) -> str:
    if '"' in text:
        return repr(text)
    double = repr(f"'{text}")  # which a single quote makes `repr` choose
    return double[0] + double[2:]
