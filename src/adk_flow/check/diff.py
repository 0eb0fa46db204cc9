"""What changed between two flow logs: moves, turn by turn, and figures; times are left out."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from adk_flow.analysis.metrics import TurnMetrics, measure
from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Trace
from adk_flow.check.snapshot import AlignedLine, aligned, draw_snapshot

_FIGURES = (
    *("llm_calls", "reported_llm_calls", "tool_calls", "transfers", "agent_calls"),
    *("input_tokens", "cached_tokens", "output_tokens"),
    *("answered_by", "active_agent", "complete", "failed"),
)
"""What is compared of a turn, times being never the same."""
_NAMES = {"active_agent": "holder"}

_DRAWN = attrgetter("kind", "source", "target", "cause", "text", "failed")
"""What of a move is drawn."""
_TOLD = ("app", "model", "construct", "adk", "adk_flow", "texts")


class Change(msgspec.Struct, frozen=True):
    """A value that is not the same in both; None where there is none."""

    field: str
    before: Any
    after: Any


class TurnDifference(msgspec.Struct, frozen=True):
    """What changed in a turn."""

    turn: int
    control: list[AlignedLine]
    """The moves of both side by side; empty where they are the same."""
    conversation: list[AlignedLine]
    figures: list[Change]


class Difference(msgspec.Struct, frozen=True):
    """What changed between two logs."""

    headers: list[Change]
    """What was recorded how; by itself no difference of the flow."""
    turns: list[TurnDifference]
    """Turns in which anything changed."""


def diff_flows(before: Trace, after: Trace) -> Difference:
    """Compares two flows turn by turn."""
    was, now = _by_turn(before), _by_turn(after)
    none = _FlowTurn(None, [], [])
    turns = [_diff_turn(n, was.get(n, none), now.get(n, none)) for n in sorted({*was, *now})]
    return Difference(
        headers=_changes(_TOLD, before.log.header, after.log.header),
        turns=[turn for turn in turns if turn.control or turn.conversation or turn.figures],
    )


def _changes(fields: Iterable[str], before: object, after: object) -> list[Change]:
    """Lists what is not the same of two."""
    pairs = ((field, getattr(before, field, None), getattr(after, field, None)) for field in fields)
    return [Change(_NAMES.get(name, name), *pair) for name, *pair in pairs if pair[0] != pair[1]]


class _FlowTurn(NamedTuple):
    """A turn as it is compared."""

    metrics: TurnMetrics | None
    control: list[Move]
    conversation: list[Move]


def _by_turn(flow: Trace) -> dict[int, _FlowTurn]:
    turns = {metrics.turn: _FlowTurn(metrics, [], []) for metrics in measure(flow)}
    for move in flow.moves:
        turn = turns[move.turn]
        (turn.control if move.is_control else turn.conversation).append(move)
    return turns


def _diff_turn(number: int, before: _FlowTurn, after: _FlowTurn) -> TurnDifference:
    return TurnDifference(
        turn=number,
        control=_rows(before.control, after.control),
        conversation=_rows(before.conversation, after.conversation),
        figures=_changes(_FIGURES, before.metrics, after.metrics),
    )


def _rows(before: list[Move], after: list[Move]) -> list[AlignedLine]:
    if [*map(_DRAWN, before)] == [*map(_DRAWN, after)]:
        return []
    was, now = draw_snapshot(before), draw_snapshot(after)
    return [] if list(was) == list(now) else aligned(was, now, exactly=True)
