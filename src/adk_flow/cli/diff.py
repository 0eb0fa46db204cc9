"""`adk-flow diff`: what changed between two flow logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from adk_flow._text import one_line, plural
from adk_flow.check.diff import Change, Difference, TurnDifference, diff_flows
from adk_flow.check.flow import read_flow
from adk_flow.check.snapshot import Row, side_by_side
from adk_flow.cli.shared import told_plainly
from adk_flow.log.reader import Log
from adk_flow.log.writer import writable

_AROUND = 2
"""Unchanged lines shown on either side of a change."""

_WIDTH = 80


class Format(StrEnum):
    """How to write it."""

    text = "text"
    json = "json"


def diff(
    before: Annotated[Path, typer.Argument(metavar="LOG", help="A flow log.")],
    after: Annotated[Path, typer.Argument(metavar="LOG", help="The log to compare it with.")],
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Shows what changed in control, conversation and figures; times are left out.

    Exits with 1 if anything did.
    """
    with told_plainly():
        was, now = read_flow(before), read_flow(after)
        found = diff_flows(was, now)
    logs = (was.log, now.log)
    if form is Format.json:
        print(msgspec.json.encode(writable(_as_data(found, logs))).decode())
    else:
        print("\n".join(_told(found, logs)))
    if found.turns:
        raise typer.Exit(1)


def _as_data(found: Difference, logs: Sequence[Log]) -> dict[str, Any]:
    lacking = {
        "damage": {log.path: [line._asdict() for line in log.damage] for log in logs},
        "unrecorded": {log.path: log.unrecorded for log in logs},
    }
    return {"same": not found.turns, **msgspec.to_builtins(found), **lacking}


def _told(found: Difference, logs: Sequence[Log]) -> Iterator[str]:
    for log in logs:
        if log.damage:
            yield _beside(log, f"{plural(len(log.damage), 'line')} could not be read")
        if log.unrecorded:
            yield _beside(log, f"{plural(log.unrecorded, 'hook')} could not be recorded")
    for change in found.headers:
        yield _change(change)
    if not found.turns:
        yield "the flow is the same"
    for turn in found.turns:
        yield from ["", f"Turn {turn.turn}", *_turn(turn)]


def _beside(log: Log, words: str) -> str:
    """Writes the words whole, and of a long path its end."""
    room = _WIDTH - len(words) - 2
    path = one_line(log.path, 1000)
    return f"{path if len(path) <= room else f'…{path[1 - room :]}'}: {words}"


def _turn(turn: TurnDifference) -> Iterator[str]:
    for name, rows in (("control", turn.control), ("conversation", turn.conversation)):
        if rows:
            yield name
            yield from side_by_side(_near_changes(rows), ("before", "after"), _WIDTH)
    if turn.figures:
        yield "figures"
        yield from map(_change, turn.figures)


def _change(change: Change) -> str:
    was, now = (_value(value) for value in (change.before, change.after))
    return one_line(f"{change.field}: {was} -> {now}", _WIDTH)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value or "none")


def _near_changes(rows: list[Row]) -> list[Row]:
    """Leaves out what is far from any change."""
    changed = [number for number, row in enumerate(rows) if not row.same]
    near = {n for at in changed for n in range(at - _AROUND, at + _AROUND + 1)}
    kept: list[Row] = []
    for number, row in enumerate(rows):
        if number in near:
            kept.append(row)
        elif not kept or kept[-1] != _GAP:
            kept.append(_GAP)
    return kept


_GAP = Row("…", "…", same=True)
