"""The report's drawings: which run and turn stand for a construct, on one scale for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from adk_flow._text import format_seconds, plural
from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.report_links import link_to
from adk_flow.render.sequence import draw_sequence, lanes_of
from adk_flow.render.svg import Drawing
from adk_flow.render.waterfall_svg import draw_contexts, draw_waterfall, length_of

_MOST_TURNS = 60
"""Turns that are drawn, of all conversations."""


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
    """The conversation whose contexts are drawn."""
    contexts: list[ConstructDrawing]


def draw_comparison(comparison: Comparison) -> Drawings:
    """Draws turns, calls over time and the growth of contexts under every construct."""
    drawn, longest = _drawn_conversation(comparison), _longest_conversation(comparison)
    turns = [(drawn, 1)] + [turn for turn in _all_turns(comparison) if turn != (drawn, 1)]
    return Drawings(
        turns=[_draw_turn(comparison, *turn) for turn in turns[:_MOST_TURNS]],
        left_out=max(0, len(turns) - _MOST_TURNS),
        longest=longest,
        contexts=_contexts(comparison, longest),
    )


def _all_turns(comparison: Comparison) -> Iterator[tuple[str, int]]:
    for name in comparison.conversations:
        most = max(len(run.turns) for run in comparison.runs if run.conversation == name)
        yield from ((name, number) for number in range(1, most + 1))


def _drawn_conversation(comparison: Comparison) -> str:
    """Chooses the conversation that is drawn: one message of most topics, else the first."""
    single = [run for run in comparison.runs if len(run.turns) == 1 and any(run.specialists[:1])]
    best = max(single, key=lambda run: len(run.specialists[0]), default=None)
    return best.conversation if best else next(iter(comparison.conversations), "")


def _longest_conversation(comparison: Comparison) -> str:
    """Chooses the conversation whose contexts are drawn: the one of most turns."""
    best = max(comparison.runs, key=lambda run: len(run.turns), default=None)
    return best.conversation if best else ""


def _first_runs(comparison: Comparison, conversation: str) -> dict[str, RunMetrics | None]:
    """Finds the first trial of a conversation under each construct."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    first = {run.construct: run for run in reversed(runs)}
    return {figures.construct: first.get(figures.construct) for figures in comparison.constructs}


def _draw_turn(comparison: Comparison, conversation: str, turn: int) -> TurnDrawings:
    """Draws a turn under all constructs, with the same order of lanes and scale of time."""
    runs, is_measured = _first_runs(comparison, conversation), comparison.setting.is_measured
    order = _lane_order([run for run in runs.values() if run])
    whole = max((_length(run, turn, is_measured) for run in runs.values() if run), default=1)
    return TurnDrawings(
        conversation,
        turn,
        _join_alike(_sequence(run, name, turn, order) for name, run in runs.items()),
        [_waterfall(run, name, turn, whole, is_measured) for name, run in runs.items()],
    )


def _join_alike(drawings: Iterable[ConstructDrawing]) -> list[ConstructDrawing]:
    """Draws once what looks the same under several constructs."""
    groups: dict[str, list[ConstructDrawing]] = {}
    for item in drawings:
        groups.setdefault(repr((item.caption, item.drawing)), []).append(item)
    return [
        group[0]._replace(constructs={k: v for item in group for k, v in item.constructs.items()})
        for group in groups.values()
    ]


def _lane_order(runs: Sequence[RunMetrics]) -> list[str]:
    """Orders lanes alike under all constructs: those that only one of them has come first."""
    counts = Counter(name for run in runs for name in lanes_of(run.moves, _all_spans(run)))
    own = [name for name, count in counts.items() if count == 1 and name != USER]
    shared = [name for name, count in counts.items() if count > 1 and name != USER]
    return [USER, *own, *shared]


def _all_spans(run: RunMetrics) -> list[Span]:
    return [span for spans in run.spans for span in spans]


def _sequence(
    run: RunMetrics | None, construct: str, turn: int, order: Sequence[str]
) -> ConstructDrawing:
    moves = [move for move in run.moves if move.turn == turn] if run else []
    if run is None or not moves:
        return ConstructDrawing({construct: ""})
    spans = next(iter(run.spans[turn - 1 : turn]), [])
    lanes = sorted({USER, *lanes_of(moves, spans)}, key=order.index)
    captions = [
        plural(metrics.llm_calls, "LLM call") for metrics in run.turns if metrics.turn == turn
    ]
    return ConstructDrawing(
        {construct: link_to(run, turn)},
        draw_sequence(moves, spans, lanes, f"Sequence of turn {turn}"),
        next(iter(captions), ""),
    )


def _length(run: RunMetrics, turn: int, is_measured: bool) -> int:
    spans = next(iter(run.spans[turn - 1 : turn]), [])
    return length_of(spans, run.turns[turn - 1].began if is_measured and spans else None)


def _waterfall(
    run: RunMetrics | None, construct: str, number: int, whole: int, is_measured: bool
) -> ConstructDrawing:
    spans = next(iter(run.spans[number - 1 : number]), []) if run else []
    if run is None or not spans:
        return ConstructDrawing({construct: ""})
    turn = run.turns[number - 1]
    drawing = draw_waterfall(
        spans,
        run.critical[number - 1],
        began=turn.began if is_measured else None,
        whole=whole,
        about=f"Calls of turn {number} of {run.conversation} over time",
    )
    caption = (
        f"critical path {format_seconds(turn.critical_path_microseconds / 1e6)}, "
        f"LLM time {format_seconds(turn.llm_microseconds / 1e6)}"
    )
    if turn.parallelism is not None:
        caption += f", parallelism {turn.parallelism:.2f}"
    return ConstructDrawing({construct: link_to(run, number)}, drawing, caption)


def _contexts(comparison: Comparison, conversation: str) -> list[ConstructDrawing]:
    """Draws the input tokens of every model call of a conversation on one scale."""
    runs = _first_runs(comparison, conversation)
    tokens = [
        [span.input_tokens or 0 for span in _all_spans(run) if span.kind == "model"]
        for run in runs.values()
        if run
    ]
    most = max((number for numbers in tokens for number in numbers), default=0)
    calls = max(map(len, tokens), default=0)
    return [_context(run, construct, most, calls) for construct, run in runs.items()]


def _context(run: RunMetrics | None, construct: str, most: int, calls: int) -> ConstructDrawing:
    if run is None:
        return ConstructDrawing({construct: ""})
    link = {construct: link_to(run)}
    tokens = plural(run.total.input_tokens, "input token")
    caption = f"{tokens} in {plural(run.total.llm_calls, 'LLM call')}"
    if all(span.kind != "model" for span in _all_spans(run)):
        return ConstructDrawing(link, caption=caption)
    about = "Input tokens"
    drawing = draw_contexts(run.spans, most=most, calls=calls, about=about)
    return ConstructDrawing(link, drawing, caption)
