"""Calls over time: the waterfall of a turn, and how the contexts of its agents grow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, count, pairwise

from adk_flow._text import format_seconds
from adk_flow.analysis.critical_path import Span
from adk_flow.render.svg import Drawing, Shape, box, cut_name, label, line

LABEL, PLOT, RIGHT = 104, 360, 60
_WIDTH = LABEL + PLOT + RIGHT
_NAME = (LABEL - 8) * 1.1
"""Width of names, which are not bold here, in bold letters."""
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

    `began` is when the turn began, None for the projected schedule; `whole` microseconds fill the
    width.
    """
    scale = PLOT / max(whole, 1)
    starts = _starts(spans, began)
    tops, agents, height = _tops(spans, starts)
    shapes = _axis(whole, scale, height)
    shapes += [
        label("agent", LABEL - 8, y + 9, cut_name(name, _NAME)) for name, y in agents.items()
    ]
    begins = [LABEL + start * scale for start in starts]
    ends = [x + max(_LEAST, span.took * scale) for x, span in zip(begins, spans, strict=True)]
    for index, span in enumerate(spans):
        style = f"{span.kind}{' critical' if index in critical else ''}"
        place = begins[index], tops[index], ends[index] - begins[index], _BAR
        shapes.append(box(style, place, _hint(span, starts[index]), span.record))
    for before, after in pairwise(critical):
        middle, to = tops[before] + _BAR / 2, tops[after] + _BAR / 2
        shapes.append(line("chain", f"M{ends[before]:.1f} {middle:g}V{to:g}H{begins[after]:.1f}"))
    if critical:
        last = critical[-1]
        length = format_seconds((spans[last].start + spans[last].took) / 1e6)
        shapes.append(label("length", ends[last] + 5, tops[last] + 9, length))
    return Drawing(_WIDTH, height + 18, about, shapes)


def _starts(spans: Sequence[Span], began: int | None) -> list[int]:
    return [span.start if began is None else span.began - began for span in spans]


def length_of(spans: Sequence[Span], began: int | None) -> int:
    """Measures how long calls take in all: from when the turn began, or as projected."""
    starts = _starts(spans, began)
    return max((start + span.took for start, span in zip(starts, spans, strict=True)), default=0)


def _tops(
    spans: Sequence[Span], starts: Sequence[int]
) -> tuple[list[float], dict[str, float], float]:
    """Finds a height for each span and agent: concurrent spans of an agent below each other."""
    tops, agents, top = [0.0] * len(spans), dict[str, float](), 4.0
    for agent in dict.fromkeys(span.agent for span in spans):
        agents[agent] = top
        rows: list[int] = []
        own = [index for index, span in enumerate(spans) if span.agent == agent]
        for index in sorted(own, key=lambda index: (starts[index], index)):
            free = [row for row, end in enumerate(rows) if end <= starts[index]]
            row = free[0] if free else len(rows)
            rows[row : row + 1] = [starts[index] + max(1, spans[index].took)]
            tops[index] = top + row * (_BAR + _GAP)
        top += len(rows) * (_BAR + _GAP) + 4
    return tops, agents, top


def _axis(whole: int, scale: float, height: float) -> list[Shape]:
    """Draws at most nine marks at a round distance."""
    rounds = (step * 10**power for power in count() for step in (1.0, 2.0, 5.0))
    distance = next(step for step in rounds if whole / step <= 8)
    shapes = []
    for number in range(int(whole / distance) + 1):
        x = LABEL + number * distance * scale
        shapes.append(line("grid", f"M{x:.1f} 0V{height + 3:g}"))
        text = f"{number * distance / 1e6:g}{' s' if number == 0 else ''}"
        shapes.append(label("tick", x, height + 14, text))
    return shapes


def _hint(span: Span, start: int) -> str:
    kinds = {"node": "function", "replaced": "answered in place of the model"}
    what = f"{kinds.get(span.kind, span.kind)} {span.name}"
    took = format_seconds(span.took / 1e6) if span.answered else "no answer"
    return f"{span.agent}: {what}, from {format_seconds(start / 1e6)}, {took}"


def draw_contexts(turns: Sequence[Sequence[Span]], *, most: int, calls: int) -> Drawing:
    """Draws the input tokens of each model call in order, a row an agent.

    So many tokens at most fill a row's height, and so many calls the width.
    """
    of_turns = [[span for span in spans if span.kind == "model"] for spans in turns]
    asked = list(chain.from_iterable(of_turns))
    agents = dict.fromkeys(span.agent for span in asked)
    width = min(14.0, (_WIDTH - LABEL - _NUMBERS) / max(calls, 1))
    height = len(agents) * _GROWTH + 4
    # Between the calls of two turns.
    places = dict.fromkeys(accumulate(map(len, of_turns))).keys() - {0, len(asked)}
    shapes = [line("grid", f"M{LABEL + n * width - 0.5:.1f} 0V{height}") for n in sorted(places)]
    for row, agent in enumerate(agents, start=1):
        floor = row * _GROWTH
        shapes.append(label("agent", LABEL - 8, floor - 4, cut_name(agent, _NAME)))
        shapes.append(line("floor", f"M{LABEL} {floor}h{len(asked) * width:.1f}"))
        tokens = {i: s.input_tokens or 0 for i, s in enumerate(asked) if s.agent == agent}
        for index, number in tokens.items():
            high = max(1.0, (_GROWTH - 6) * number / max(most, 1))
            hint = f"call {index + 1}: {number:,} input tokens"
            place = LABEL + index * width, floor - high, max(1.5, width - 1.5), high
            shapes.append(box("tokens", place, hint))
        ends = [f"{number:,}" for number in tokens.values()]
        text = ends[0] if len(ends) == 1 else f"{ends[0]} → {ends[-1]}"
        shapes.append(label("length", LABEL + len(asked) * width + 6, floor - 4, text))
    return Drawing(_WIDTH, height, "Input tokens", shapes)
