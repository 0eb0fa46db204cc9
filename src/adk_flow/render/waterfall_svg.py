"""Calls over time: the waterfall of a turn, and how the contexts of its agents grow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from adk_flow._text import format_seconds, one_line
from adk_flow.analysis.critical_path import Span
from adk_flow.render.svg import Drawing, Shape, box, label, line

LABEL, PLOT, RIGHT = 104, 360, 60
_WIDTH = LABEL + PLOT + RIGHT
_NUMBERS = 92
"""Width of the figures next to the growth of contexts."""
_BAR, _GAP = 11, 3
_LEAST = 2.5
"""Width of a bar that takes next to no time."""
_GROWTH = 30
"""Height of a row of the growth of contexts."""


def draw_waterfall(
    spans: Sequence[Span], critical: Sequence[int], *, began: int | None, whole: int, about: str
) -> Drawing:
    """Draws model and tool calls as bars by agent, those on the critical path marked.

    Args:
      spans: the calls of a turn.
      critical: which of them are on its critical path.
      began: when the turn began; None to draw the projected schedule.
      whole: microseconds that fill the width.
      about: what it shows.
    """
    scale = PLOT / max(whole, 1)
    starts = [span.start if began is None else span.began - began for span in spans]
    tops, height = _tops(spans, starts)
    shapes = _axis(whole, scale, height)
    for agent, top in _first_tops(spans, tops).items():
        shapes.append(label("agent", LABEL - 8, top + 9, one_line(agent, 17)))
    places = [(LABEL + starts[i] * scale, tops[i]) for i in range(len(spans))]
    ends = [
        (x + max(_LEAST, span.took * scale)) for (x, _), span in zip(places, spans, strict=True)
    ]
    for index, span in enumerate(spans):
        style = f"{span.kind}{' critical' if index in critical else ''}"
        hint = _hint(span, starts[index])
        x, y = places[index]
        shapes.append(box(style, x, y, ends[index] - x, _BAR, hint, span=index))
    marked = [index for index in critical if index < len(spans)]
    for before, after in pairwise(marked):
        x, (to, y) = ends[before], places[after]
        start = places[before][1] + _BAR / 2
        shapes.append(line("chain", f"M{x:.1f} {start:g}V{y + _BAR / 2:g}H{to:.1f}"))
    if marked:
        last = marked[-1]
        length = format_seconds((spans[last].start + spans[last].took) / 1e6)
        shapes.append(label("length", ends[last] + 5, places[last][1] + 9, length))
    return Drawing(_WIDTH, height + 18, about, shapes)


def _tops(spans: Sequence[Span], starts: Sequence[int]) -> tuple[list[float], float]:
    """Finds a height for each span: an agent's together, concurrent ones below each other."""
    tops, top = [0.0] * len(spans), 4.0
    for agent in dict.fromkeys(span.agent for span in spans):
        rows: list[int] = []
        own = [index for index, span in enumerate(spans) if span.agent == agent]
        for index in sorted(own, key=lambda index: (starts[index], index)):
            free = [row for row, end in enumerate(rows) if end <= starts[index]]
            row = free[0] if free else len(rows)
            rows[row : row + 1] = [starts[index] + max(1, spans[index].took)]
            tops[index] = top + row * (_BAR + _GAP)
        top += len(rows) * (_BAR + _GAP) + 4
    return tops, top


def _first_tops(spans: Sequence[Span], tops: Sequence[float]) -> dict[str, float]:
    first: dict[str, float] = {}
    for span, top in zip(spans, tops, strict=True):
        first[span.agent] = min(top, first.get(span.agent, top))
    return first


def _axis(whole: int, scale: float, height: float) -> list[Shape]:
    shapes = []
    step = _tick(whole)
    for number in range(int(whole / step) + 1):
        x = LABEL + number * step * scale
        shapes.append(line("grid", f"M{x:.1f} 0V{height + 3:g}"))
        text = f"{number * step / 1e6:g}{' s' if number == 0 else ''}"
        shapes.append(label("tick", x, height + 14, text))
    return shapes


def _tick(whole: int) -> float:
    """Chooses a round distance that gives at most eight marks."""
    size = 1.0
    while True:
        for step in (size, 2 * size, 5 * size):
            if whole / step <= 8:
                return step
        size *= 10


def _hint(span: Span, start: int) -> str:
    what = {"model": "model", "tool": "tool", "replaced": "answered in place of the model"}
    took = format_seconds(span.took / 1e6) if span.answered else "no answer"
    return (
        f"{span.agent}: {what[span.kind]} {span.name}, from {format_seconds(start / 1e6)}, {took}"
    )


def draw_contexts(turns: Sequence[Sequence[Span]], *, most: int, calls: int, about: str) -> Drawing:
    """Draws the input tokens of each model call in order, a row an agent.

    Args:
      turns: the calls of each turn.
      most: tokens that fill a row's height.
      calls: calls that fill the width.
      about: what it shows.
    """
    asked = [(turn, span) for turn, spans in enumerate(turns) for span in spans]
    asked = [(turn, span) for turn, span in asked if span.kind == "model"]
    agents = list(dict.fromkeys(span.agent for _, span in asked))
    width = min(14.0, (_WIDTH - LABEL - _NUMBERS) / max(calls, 1))
    height = len(agents) * _GROWTH + 4
    shapes = [
        line("grid", f"M{LABEL + index * width - 0.5:.1f} 0V{height}")
        for index in range(1, len(asked))
        if asked[index][0] != asked[index - 1][0]
    ]
    for row, agent in enumerate(agents):
        floor = (row + 1) * _GROWTH
        shapes.append(label("agent", LABEL - 8, floor - 4, one_line(agent, 17)))
        shapes.append(line("floor", f"M{LABEL} {floor}h{len(asked) * width:.1f}"))
        calls_of_agent = [
            (index, span.input_tokens or 0)
            for index, (_, span) in enumerate(asked)
            if span.agent == agent
        ]
        for index, tokens in calls_of_agent:
            high = max(1.0, (_GROWTH - 6) * tokens / max(most, 1))
            x = LABEL + index * width
            hint = f"{agent}, call {index + 1}: {tokens:,} input tokens"
            shapes.append(box("tokens", x, floor - high, max(1.5, width - 1.5), high, hint))
        first, last = calls_of_agent[0][1], calls_of_agent[-1][1]
        text = f"{first:,}" if len(calls_of_agent) == 1 else f"{first:,} → {last:,}"
        shapes.append(label("length", LABEL + len(asked) * width + 6, floor - 4, text))
    return Drawing(_WIDTH, height, about, shapes)
