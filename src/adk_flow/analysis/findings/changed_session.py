"""Turns of a session that agents are shown no more: summed up, or taken back."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace


def find_changed_sessions(trace: Trace) -> Iterator[Finding]:
    """Finds what replaced or took back earlier turns before a turn began."""
    for turn in trace.turns:
        for change in turn.changes:
            if change.compacted:
                gone = trace.outlook.replaced_before(turn.number, *change.compacted)
                text = f"A summary replaced {_name(gone)}."
                yield Finding("replaced_turns", turn.number, (), text, (change.record,))
            else:
                gone = trace.outlook.undone_before(turn.number, change.rewound)
                text = f"The session was taken back to before {_name(gone)}."
                yield Finding("rewound_turns", turn.number, (), text, (change.record,))


def _name(turns: tuple[int, int] | None) -> str:
    if turns is None:
        return "turns that are not in this log"
    first, last = turns
    return f"turn {first}" if first == last else f"turns {first} to {last}"
