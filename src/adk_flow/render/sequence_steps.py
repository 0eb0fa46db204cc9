"""The steps of a turn that is to be drawn, and who takes part in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.moves import Move

DrawnStep = list[Move] | Span
"""Moves that belong together, or a model or tool call."""

_PAIRS = {("start", "say"), ("call", "ask"), ("answer", "return"), ("reply", "end")}


def lanes_of(moves: Iterable[Move], spans: Iterable[Span] = ()) -> list[str]:
    """Lists who takes part, in order of appearance."""
    names: dict[str, None] = {}
    for move in moves:
        ends = (move.source,) if move.kind in ("fork", "join") else (move.source, move.target)
        names.update(dict.fromkeys(ends))
    return list(names | dict.fromkeys(span.agent for span in spans))


def steps_of(moves: Sequence[Move], spans: Sequence[Span]) -> Iterator[DrawnStep]:
    """Joins control with the words that go with it, and puts calls between in their order."""
    waiting, index = list(spans), 0
    while index < len(moves):
        pair = list(moves[index : index + 2])
        while waiting and waiting[0].record < pair[0].record:
            yield waiting.pop(0)
        step = pair if len(pair) == 2 and _go_together(*pair) else pair[:1]
        yield step
        index += len(step)
    yield from waiting


def _go_together(first: Move, second: Move) -> bool:
    same = (first.source, first.target) == (second.source, second.target)
    return same and (first.kind, second.kind) in _PAIRS
