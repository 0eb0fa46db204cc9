"""Drawings of report and page: shapes with their places, which a template writes as SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from adk_flow._data import group_by
from adk_flow._text import one_line

_LONGEST_HINT = 160
"""Characters of a hint that is shown on hovering."""


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


def fold_name(name: str, most: int) -> list[str]:
    """Writes a name on one line or on two, broken after an underscore or space if it has any."""
    line = one_line(name, 2 * most)
    if len(line) < most:
        return [line]
    places = [match.end() for match in re.finditer(r"[_\s]", line[:-1])]
    middle = min(places, key=lambda at: max(at, len(line) - at), default=len(line))
    return [one_line(part, most) for part in (line[:middle], line[middle:]) if part]
