"""The report's drawings: which run and turn stand for a construct, on one scale for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import NamedTuple

from adk_flow._data import group_by
from adk_flow._text import format_seconds, plural
from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.move import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.report_links import link_to
from adk_flow.render.sequence import draw_sequence, lanes_of
from adk_flow.render.svg import Drawing
from adk_flow.render.waterfall_svg import draw_contexts, draw_waterfall, length_of

_MOST_TURNS = 60
"""Turns that are drawn, of all conversations."""

_Runs = dict[str, RunMetrics | None]
"""By construct; None where it was not run."""


class ConstructDrawing(NamedTuple):
    """What is drawn of constructs; None where they were not run or nothing was logged."""

    constructs: dict[str, str]
    """Those under which it looks the same, each with the link to its flow."""
    drawing: Drawing | None = None
    caption: str = ""


class TurnDrawings(NamedTuple):
    """A turn under every construct, on one scale."""

    conversation: str
    turn: int
    sequences: list[ConstructDrawing]
    waterfalls: list[ConstructDrawing]


class Drawings(NamedTuple):
    """All that is drawn of a comparison."""

    turns: list[TurnDrawings]
    """The one that stands for all first."""
    left_out: int
    """Turns that are not drawn."""
    longest: str
    """The conversation whose contexts are drawn: the one of most turns."""
    contexts: list[ConstructDrawing]


def draw_comparison(comparison: Comparison) -> Drawings:
    """Draws turns, calls over time and the growth of contexts under every construct."""
    first = _drawn_conversation(comparison), 1
    turns = dict.fromkeys([first, *_all_turns(comparison)])
    drawn = [_draw_turn(comparison, *turn) for turn in islice(turns, _MOST_TURNS)]
    most = max(comparison.runs, key=lambda run: len(run.turns), default=None)
    longest = most.conversation if most else ""
    return Drawings(drawn, len(turns) - len(drawn), longest, _contexts(comparison, longest))


def _all_turns(comparison: Comparison) -> Iterator[tuple[str, int]]:
    for name in comparison.conversations:
        most = max(len(run.turns) for run in comparison.runs if run.conversation == name)
        yield from zip(repeat(name), range(1, most + 1))


def _drawn_conversation(comparison: Comparison) -> str:
    """Chooses the conversation that is drawn: one message of most topics, else the first."""
    single = [run for run in comparison.runs if len(run.turns) == 1 and any(run.specialists[:1])]
    best = max(single, key=lambda run: len(run.specialists[0]), default=None)
    return best.conversation if best else next(iter(comparison.conversations), "")


def _first_runs(comparison: Comparison, conversation: str) -> _Runs:
    """Finds the first trial of a conversation under each construct."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    first = {run.construct: run for run in reversed(runs)}
    return {figures.construct: first.get(figures.construct) for figures in comparison.constructs}


def _draw_turn(comparison: Comparison, conversation: str, turn: int) -> TurnDrawings:
    """Draws a turn under all constructs, with the same order of lanes and scale of time."""
    runs, is_measured = _first_runs(comparison, conversation), comparison.setting.is_measured
    order = _lane_order([run for run in runs.values() if run])
    lengths = (length_of(*_timed(run, turn, is_measured)) for run in runs.values() if run)
    whole = max(lengths, default=1)
    sequences = _draw_all(runs, lambda run: _sequence(run, turn, order))
    waterfalls = _draw_all(runs, lambda run: _waterfall(run, turn, whole, is_measured))
    return TurnDrawings(conversation, turn, _join_alike(sequences), waterfalls)


def _draw_all(
    runs: _Runs, draw: Callable[[RunMetrics], ConstructDrawing | None]
) -> list[ConstructDrawing]:
    """Draws the run of each construct, if there is one and anything was logged."""
    drawings = {name: draw(run) if run else None for name, run in runs.items()}
    return [drawing or ConstructDrawing({name: ""}) for name, drawing in drawings.items()]


def _join_alike(drawings: Iterable[ConstructDrawing]) -> list[ConstructDrawing]:
    """Draws once what looks the same under several constructs."""
    groups = group_by(drawings, lambda item: repr((item.caption, item.drawing)))
    return [
        group[0]._replace(constructs={k: v for item in group for k, v in item.constructs.items()})
        for group in groups.values()
    ]


def _lane_order(runs: Sequence[RunMetrics]) -> list[str]:
    """Orders lanes alike under all constructs: those that only one of them has come first."""
    counts = Counter(name for run in runs for name in lanes_of(run.moves, chain(*run.spans)))
    del counts[USER]
    return [USER, *sorted(counts, key=lambda name: counts[name] > 1)]


def _timed(run: RunMetrics, turn: int, is_measured: bool) -> tuple[list[Span], int | None]:
    """Gives the calls of a turn, and when it began; None where times are projected."""
    spans = next(iter(run.spans[turn - 1 : turn]), [])
    return spans, run.turns[turn - 1].began if is_measured and spans else None


def _sequence(run: RunMetrics, turn: int, order: Sequence[str]) -> ConstructDrawing | None:
    moves, (spans, _) = [m for m in run.moves if m.turn == turn], _timed(run, turn, False)
    if not moves:
        return None
    lanes = sorted({USER, *lanes_of(moves, spans)}, key=order.index)
    drawing = draw_sequence(moves, spans, lanes, f"Sequence of turn {turn}")
    calls = (plural(each.llm_calls, "LLM call") for each in run.turns if each.turn == turn)
    return ConstructDrawing({run.construct: link_to(run, turn)}, drawing, next(calls, ""))


def _waterfall(
    run: RunMetrics, number: int, whole: int, is_measured: bool
) -> ConstructDrawing | None:
    spans, began = _timed(run, number, is_measured)
    if not spans:
        return None
    turn, about = run.turns[number - 1], f"Calls of turn {number} of {run.conversation} over time"
    critical = run.critical[number - 1]
    drawing = draw_waterfall(spans, critical, began=began, whole=whole, about=about)
    path = format_seconds(turn.critical_path_microseconds / 1e6)
    caption = f"critical path {path}, LLM time {format_seconds(turn.llm_microseconds / 1e6)}"
    if turn.parallelism is not None:
        caption += f", parallelism {turn.parallelism:.2f}"
    return ConstructDrawing({run.construct: link_to(run, number)}, drawing, caption)


def _contexts(comparison: Comparison, conversation: str) -> list[ConstructDrawing]:
    """Draws the input tokens of every model call of a conversation on one scale."""
    runs = _first_runs(comparison, conversation)
    tokens = {
        name: [span.input_tokens or 0 for span in chain(*run.spans) if span.kind == "model"]
        for name, run in runs.items()
        if run
    }
    most = max(chain(*tokens.values()), default=0)
    calls = max(map(len, tokens.values()), default=0)

    def draw(run: RunMetrics) -> ConstructDrawing:
        has_calls = bool(tokens[run.construct])
        drawing = draw_contexts(run.spans, most=most, calls=calls) if has_calls else None
        used = plural(run.total.input_tokens, "input token")
        caption = f"{used} in {plural(run.total.llm_calls, 'LLM call')}"
        return ConstructDrawing({run.construct: link_to(run)}, drawing, caption)

    return _draw_all(runs, draw)
