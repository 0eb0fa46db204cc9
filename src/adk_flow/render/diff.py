"""What changed between two flow logs: text, Markdown with pictures, plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import Any

import msgspec
from rich.cells import cell_len

from adk_flow._text import UNKNOWN, one_line
from adk_flow.analysis.trace import Trace
from adk_flow.check.diff import Change, Difference, TurnDifference
from adk_flow.check.snapshot import AlignedLine, side_by_side
from adk_flow.log.reader import Log

_AROUND = 2
"""Unchanged lines shown on either side of a change."""
_LEAST_WIDTH = 80
_GAP = AlignedLine("…", "…", same=True)


def diff_to_data(difference: Difference, before: Log, after: Log) -> Any:
    """Gives what changed, and what of the logs could not be read or recorded."""
    incomplete = {
        "damage": {log.path: [line._asdict() for line in log.damage] for log in (before, after)},
        "gaps": {log.path: [gap._asdict() for gap in log.gaps] for log in (before, after)},
        "unrecorded": {log.path: log.unrecorded for log in (before, after)},
    }
    return {"same": not difference.turns, **msgspec.to_builtins(difference), **incomplete}


def diff_to_text(difference: Difference, before: Log, after: Log, width: int) -> str:
    """Writes changes turn by turn, moves side by side."""
    losses = [_of_log(log, log.losses, width) for log in (before, after) if log.losses]
    return "\n".join([*losses, *_lines(difference, width)])


def diff_to_markdown(difference: Difference, before: Trace, after: Trace) -> str:
    """Writes the same, in a block that means nothing but itself, and draws turns that changed."""
    words = indent(diff_to_text(difference, before.log, after.log, _LEAST_WIDTH), "    ")
    flows = (("before", before), ("after", after))
    pictures = (_picture(turn.turn, *flow) for turn in difference.turns for flow in flows)
    return "\n\n".join([words, *pictures])


def _picture(turn: int, name: str, flow: Trace) -> str:
    from adk_flow.render.mermaid import sequence_diagram

    moves = [move for move in flow.moves if move.turn == turn]
    drawn = f"\n\n```mermaid\n{sequence_diagram(moves)}```" if moves else " there is none"
    return f"**Turn {turn} {name}:**{drawn}"


def _of_log(log: Log, words: str, width: int) -> str:
    """Writes the words whole, and of a long path its end."""
    room = width - len(words) - 2
    path = one_line(log.path, 1000)
    return f"{path if len(path) <= room else f'…{path[1 - room :]}'}: {words}"


def _lines(difference: Difference, width: int) -> Iterator[str]:
    yield from (_change(change, width) for change in difference.headers)
    if not difference.turns:
        yield "the flow is the same"
    for turn in difference.turns:
        yield from ["", f"Turn {turn.turn}", *_turn(turn, width)]


def _turn(turn: TurnDifference, width: int) -> Iterator[str]:
    for name, rows in (("control", turn.control), ("conversation", turn.conversation)):
        if rows:
            yield name
            longest = max(cell_len(text) for row in rows for text in (row.left, row.right))
            room = min(width, max(_LEAST_WIDTH, 2 * longest + 3))
            yield from side_by_side(_near_changes(rows), ("before", "after"), room)
    if turn.figures:
        yield "figures"
        ended = ((each.before, each.after) for each in turn.figures if each.field == "complete")
        # A turn that there is has ended or not; what else is None of it cannot be known.
        lacks = ["none" if side is None else UNKNOWN for side in next(ended, ("", ""))]
        yield from (_change(change, width, lacks) for change in turn.figures)


def _change(change: Change, width: int, lacks: Sequence[str] = ("none", "none")) -> str:
    was, now = map(_value, (change.before, change.after), lacks)
    return one_line(f"{change.field}: {was} -> {now}", width)


def _value(value: object, lacking: str) -> str:
    if value is None:
        return lacking
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value or "none")


def _near_changes(rows: list[AlignedLine]) -> list[AlignedLine]:
    """Leaves out what is far from any change."""
    changed = [number for number, row in enumerate(rows) if not row.same]
    near = {n for at in changed for n in range(at - _AROUND, at + _AROUND + 1)}
    kept = [row if number in near else _GAP for number, row in enumerate(rows)]
    pairs = zip([None, *kept], kept, strict=False)
    return [row for before, row in pairs if row != _GAP or before != _GAP]
