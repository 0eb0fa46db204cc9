"""Drawings of report and page: shapes with their places, which a template writes as SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple
from unicodedata import east_asian_width

from adk_flow._data import group_by
from adk_flow._text import one_line

_LONGEST_HINT = 160
"""Characters of a hint that is shown on hovering."""
_FONT = 9.5
"""Pixels of the font of drawings (`shared.css`)."""
_EMS = dict.fromkeys("Iijl", 0.36) | dict.fromkeys("frt_ ", 0.48) | dict.fromkeys("mwMW", 1.05)


class Shape(NamedTuple):
    """An element of SVG; its classes carry colours and line styles."""

    tag: Literal["path", "rect", "circle", "text"]
    style: str
    at: dict[str, float | str]
    words: str = ""
    """What a text says, the hint that any other shape shows on hovering."""
    record: int = -1
    """Index of the record that it shows; -1 for none."""
    who: str = ""
    """Whose it is, for who cannot see its lane or row."""


class Drawing(NamedTuple):
    """A picture of a size in pixels, never scaled."""

    width: float
    height: float
    about: str
    """What it shows, for who cannot see it."""
    shapes: list[Shape]

    @property
    def groups(self) -> dict[tuple[str, str], list[Shape]]:
        """Shapes by classes and hint, which lie over each other in that order."""
        return group_by(
            self.shapes, lambda each: (each.style, each.who if each.tag == "text" else each.words)
        )


def line(style: str, path: str, hint: str = "", record: int = -1, who: str = "") -> Shape:
    """Draws a path."""
    return Shape("path", style, {"d": path}, one_line(hint, _LONGEST_HINT), record, who)


def box(
    style: str, place: Sequence[float], hint: str = "", record: int = -1, who: str = ""
) -> Shape:
    """Draws a rectangle by its left, top, width and height."""
    at = dict(zip(("x", "y", "width", "height"), map(tidy, place), strict=True))
    return Shape("rect", style, {**at}, one_line(hint, _LONGEST_HINT), record, who)


def dot(style: str, x: float, y: float, hint: str = "", record: int = -1, who: str = "") -> Shape:
    """Draws a disc, whose radius is of its class."""
    at: dict[str, float | str] = {"cx": tidy(x), "cy": tidy(y)}
    return Shape("circle", style, at, one_line(hint, _LONGEST_HINT), record, who)


def label(style: str, x: float, y: float, text: str, record: int = -1) -> Shape:
    """Writes words."""
    return Shape("text", style, {"x": tidy(x), "y": tidy(y)}, text, record)


def tidy(number: float) -> float:
    """Rounds to what a screen can show."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def fold_name(name: str, width: float) -> list[str]:
    """Writes a name on one line, or on two if a word of it ends by an underscore, space or case."""
    line = one_line(name, _LONGEST_HINT)
    if _width(line) <= width:
        return [line]
    places = [match.end() for match in re.finditer(r"[_\s]|[a-z](?=[A-Z])", line[:-1])]
    middle = min(places, key=lambda at: max(at, len(line) - at), default=len(line))
    return [cut_name(part, width) for part in (line[:middle], line[middle:]) if part]


def cut_name(name: str, width: float) -> str:
    """Cuts a name, on one line, to so many pixels of a drawing, the cut marked by `…`."""
    line = one_line(name, _LONGEST_HINT)
    if _width(line) <= width:
        return line
    widths = accumulate(map(_em, line), initial=_em("…"))
    return line[: sum(each * _FONT <= width for each in widths) - 1].rstrip() + "…"


def _width(text: str) -> float:
    return _FONT * sum(map(_em, text))


def _em(letter: str) -> float:
    """Estimates a letter's width, as of bold DejaVu Sans, the widest of the fonts asked for."""
    if east_asian_width(letter) in "WF":
        return 1.0
    return _EMS.get(letter) or (0.68 if letter.islower() or letter.isdigit() else 0.78)
