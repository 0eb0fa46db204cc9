"""What changed between two flow logs: moves, turn by turn, and figures; times are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from adk_flow.analysis.moves import Move
from adk_flow.check.flow import Flow
from adk_flow.check.snapshot import AlignedLine, aligned, draw_snapshot
from adk_flow.log.schema import Header

FIGURES = {
    "llm_calls": "llm_calls",
    "reported_llm_calls": "reported_llm_calls",
    "tool_calls": "tool_calls",
    "transfers": "transfers",
    "agent_calls": "agent_calls",
    "input_tokens": "input_tokens",
    "cached_tokens": "cached_tokens",
    "output_tokens": "output_tokens",
    "answered_by": "answered_by",
    "holder": "active_agent",
    "complete": "complete",
    "failed": "failed",
}
"""What is compared of a turn, with its field in `TurnMetrics`; times are never the same."""

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

    @property
    def has_changes(self) -> bool:
        """Whether anything changed."""
        return bool(self.control or self.conversation or self.figures)


class Difference(msgspec.Struct, frozen=True):
    """What changed between two logs."""

    headers: list[Change]
    """What was recorded how; by itself no difference of the flow."""
    turns: list[TurnDifference]
    """Turns in which anything changed."""


def diff_flows(before: Flow, after: Flow) -> Difference:
    """Compares two flows turn by turn."""
    numbers = dict.fromkeys(turn.turn for flow in (before, after) for turn in flow.figures)
    turns = [_of_turn(number, before, after) for number in sorted(numbers)]
    return Difference(
        headers=list(_headers(before.log.header, after.log.header)),
        turns=[turn for turn in turns if turn.has_changes],
    )


def _headers(before: Header, after: Header) -> Iterator[Change]:
    for field in _TOLD:
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield Change(field, was, now)


def _of_turn(number: int, before: Flow, after: Flow) -> TurnDifference:
    return TurnDifference(
        turn=number,
        control=_rows(number, before, after, control=True),
        conversation=_rows(number, before, after, control=False),
        figures=list(_figures(number, before, after)),
    )


def _rows(number: int, before: Flow, after: Flow, *, control: bool) -> list[AlignedLine]:
    def lines(flow: Flow) -> list[str]:
        return draw_snapshot(
            move for move in flow.moves if _is_wanted(move, number, control=control)
        )

    was, now = lines(before), lines(after)
    return [] if list(was) == list(now) else aligned(was, now, exactly=True)


def _is_wanted(move: Move, turn: int, *, control: bool) -> bool:
    return move.turn == turn and move.is_control == control


def _figures(number: int, before: Flow, after: Flow) -> Iterator[Change]:
    was, now = (
        next((turn for turn in flow.figures if turn.turn == number), None)
        for flow in (before, after)
    )
    for field, attribute in FIGURES.items():
        one, other = getattr(was, attribute, None), getattr(now, attribute, None)
        if one != other:
            yield Change(field, one, other)
