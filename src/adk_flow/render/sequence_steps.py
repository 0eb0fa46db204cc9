"""The steps of a turn that is to be drawn, and who takes part in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.moves import USER, Move

DrawnStep = list[Move] | Span
"""Moves that belong together, or a model or tool call."""

_PAIRS = {("start", "say"), ("call", "ask"), ("answer", "return"), ("reply", "end")}


def lanes_of(moves: Iterable[Move], spans: Iterable[Span] = ()) -> list[str]:
    """Lists who takes part, the user first."""
    names = {USER: None}
    for move in moves:
        ends = (move.source,) if move.kind in ("fork", "join") else (move.source, move.target)
        names.update(dict.fromkeys(ends))
    names.update(dict.fromkeys(span.agent for span in spans))
    return list(names)


def steps_of(moves: Sequence[Move], spans: Sequence[Span]) -> Iterator[DrawnStep]:
    """Joins control with the words that go with it, and puts calls between in their order."""
    waiting = list(spans)
    index = 0
    while index < len(moves):
        move, pair = moves[index], list(moves[index : index + 2])
        while waiting and waiting[0].record < move.record:
            yield waiting.pop(0)
        together = len(pair) > 1 and _go_together(*pair)
        yield pair if together else [move]
        index += 2 if together else 1
    yield from waiting


def _go_together(one: Move, two: Move) -> bool:
    same = (one.source, one.target) == (two.source, two.target)
    return same and (one.kind, two.kind) in _PAIRS
