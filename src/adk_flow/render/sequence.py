"""One turn as a sequence diagram: control in solid lines, conversation in dashed ones.

Every diagram has the same scale: a lane an agent, a row a step, whatever time it took.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge

from adk_flow._text import one_line
from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.move import USER, Move
from adk_flow.analysis.trace import Turn
from adk_flow.render.svg import Drawing, Shape, box, dot, fold_name, label, line

LANE = 66
ROW = 21
_CALLS = 11
"""Height of a row of model and tool calls."""
_HEAD = 36
_BAR = 6
_MOST_STEPS = 240
"""Steps of a turn that are drawn."""

_PAIRS = {("start", "say"), ("call", "ask"), ("answer", "return"), ("reply", "end")}


def draw_turn(turn: Turn, spans: Sequence[Span]) -> Drawing:
    """Draws a turn as far as it has come, the user first."""
    lanes = [USER, *(name for name in lanes_of(turn.moves, spans) if name != USER)]
    return draw_sequence(turn.moves, spans, lanes, f"Sequence of turn {turn.number}")


def draw_sequence(
    moves: Sequence[Move], spans: Sequence[Span], lanes: Sequence[str], about: str
) -> Drawing:
    """Draws the moves of a turn, with its model and tool calls, between lanes."""
    sketch = _Sketch({name: LANE * (index + 0.5) for index, name in enumerate(lanes)})
    steps = list(_steps_of(moves, spans))
    for step in steps[:_MOST_STEPS]:
        sketch.add(step)
    sketch.finish(len(steps) - _MOST_STEPS)
    shapes = [*sketch.bands, *sketch.lifelines(), *sketch.bars, *sketch.arrows]
    return Drawing(LANE * len(lanes), sketch.y + 8, about, shapes)


@dataclass(slots=True)
class _Band:
    """Where concurrent calls run."""

    activation: int
    top: float
    lanes: set[str]


@dataclass(slots=True)
class _Sketch:
    """A turn as far as it is drawn."""

    lanes: dict[str, float]
    y: float = _HEAD
    bands: list[Shape] = field(default_factory=list)
    bars: list[Shape] = field(default_factory=list)
    arrows: list[Shape] = field(default_factory=list)
    _open: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    """Where the bar of an agent's frame begins."""
    _forks: list[_Band] = field(default_factory=list)
    _calling: set[str] = field(default_factory=set)
    """Agents with a model or tool call in the row."""

    def add(self, step: Span | list[Move]) -> None:
        """Draws the next step: a model or tool call, or moves that belong together."""
        if isinstance(step, Span):
            self._add_call(step)
            return
        self._calling = set()
        first = step[0]
        if first.kind == "fork":
            self._forks.append(_Band(first.activation, self.y + ROW - 12, {first.source}))
        elif first.kind == "join":
            self._join(first.activation)
        else:
            for band in self._forks:
                band.lanes.update((first.source, first.target))
            self._add_moves(step)

    def finish(self, left_out: int) -> None:
        """Closes what is open."""
        for band in self._forks[::-1]:
            self._join(band.activation)
        self._close_all()
        if left_out > 0:
            self.y += ROW
            self.arrows.append(label("note", 4, self.y, f"… and {left_out:,} more steps"))

    def lifelines(self) -> list[Shape]:
        """Draws the lanes under their names."""
        paths = [f"M{x:g} {_HEAD - 8}V{self.y + 4:g}" for x in self.lanes.values()]
        shapes = [line("lifeline", "".join(paths))]
        for name, x in self.lanes.items():
            lines = fold_name(name, LANE)
            hint = "" if "".join(lines) == name else name
            for y, text in zip((11, 22)[-len(lines) :], lines, strict=True):
                shapes.append(label("lane", x, y, text)._replace(who=hint))
        return shapes

    def _add_moves(self, step: list[Move]) -> None:
        self.y += ROW
        control = next((move for move in step if move.is_control), None)
        shift = 0 if control is None else 5
        if control is not None:
            self._close(control)
            if control.kind in ("start", "call", "transfer"):
                active = sum(name == control.target for name, _ in self._open)
                self._open[control.target, control.activation] = self.y - 2, 3 * active
            self._arrow(control, self.y)
        for move in step:
            if not move.is_control:
                self._arrow(move, self.y + shift)
        if control is not None and control.kind == "end":
            self._close_all()
        self.y += shift

    def _arrow(self, move: Move, y: float) -> None:
        start, end = self.lanes[move.source], self.lanes[move.target]
        way = 1 if end > start else -1
        if start == end:
            path = f"M{start + 5:g} {y - 6:g}h16v6h-14"
        else:
            path = f"M{start + way * 5:g} {y:g}H{end - way * 5:g}"
        ends = f"{move.source} {move.kind} {move.target}:"
        place, text = (start + way * LANE / 2, y - 3), move.text if move.is_control else ""
        hint = f"{move.kind} {text}".strip() if move.is_control or not move.text else move.text
        self.arrows.append(line(_style(move), path, hint, move.record, ends))
        if move.failed:
            self.arrows.append(label("failed-word", *place, "✗ failed", move.record))
        elif start != end and (text or move.kind in ("transfer", "call")):
            self.arrows.append(label("label", *place, one_line(text, 16) or move.kind, move.record))

    def _close(self, move: Move) -> None:
        """Ends the bar of who gives control away for good."""
        activation = {"transfer": move.parent, "return": move.activation}.get(move.kind)
        bars = [key for key in self._open if key[0] == move.source]
        if bars and activation is not None:
            exact = move.source, activation
            self._draw_bar(exact if exact in bars else bars[-1])

    def _close_all(self) -> None:
        for key in list(self._open):
            self._draw_bar(key)

    def _draw_bar(self, key: tuple[str, int]) -> None:
        top, shift = self._open.pop(key)
        left, height = self.lanes[key[0]] - _BAR / 2 + shift, max(4, self.y + 2 - top)
        self.bars.append(box("bar", (left, top, _BAR, height)))

    def _add_call(self, span: Span) -> None:
        if span.kind == "node":  # a lane of its own shows it
            return
        if not self._calling or span.agent in self._calling:
            self.y += _CALLS
            self._calling = set()
        self._calling.add(span.agent)
        x, y = self.lanes[span.agent], self.y + 3
        known = span.name, span.record, f"{span.agent}:"
        if span.kind == "tool":
            self.arrows.append(box("tool-call", (x - 2.5, y - 2.5, 5, 5), *known))
        else:
            self.arrows.append(dot(f"{span.kind}-call", x, y, *known))

    def _join(self, activation: int) -> None:
        band = next((band for band in self._forks[::-1] if band.activation == activation), None)
        if band is None:
            return
        self._forks.remove(band)
        self.y += 10
        places = [self.lanes[name] for name in band.lanes]
        left, right = min(places) - LANE * 0.42, max(places) + LANE * 0.42
        self.bands.append(box("band", (left, band.top, right - left, self.y + 3 - band.top)))
        self.arrows.append(label("at-once", right - 4, self.y, "concurrent"))
        self.y += 2


def _style(move: Move) -> str:
    if move.failed:
        return "control broken"
    if not move.is_control:
        return "talk"
    return "control handover" if move.kind == "transfer" else "control"


def lanes_of(moves: Iterable[Move], spans: Iterable[Span] = ()) -> list[str]:
    """Lists who takes part, in order of appearance."""
    names: list[str] = []
    for move in moves:
        names += [move.source] if move.kind in ("fork", "join") else [move.source, move.target]
    return list(dict.fromkeys([*names, *(span.agent for span in spans)]))


def _steps_of(moves: Iterable[Move], spans: Iterable[Span]) -> Iterator[Span | list[Move]]:
    """Joins control with the words that go with it, and puts calls between in their order."""
    steps: list[list[Move]] = []
    for move in moves:
        if steps and len(steps[-1]) == 1 and _go_together(steps[-1][0], move):
            steps[-1].append(move)
        else:
            steps.append([move])
    return merge(steps, spans, key=lambda s: s.record if isinstance(s, Span) else s[0].record)


def _go_together(first: Move, second: Move) -> bool:
    same = (first.source, first.target) == (second.source, second.target)
    return same and (first.kind, second.kind) in _PAIRS
