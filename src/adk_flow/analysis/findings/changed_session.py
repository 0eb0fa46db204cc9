"""Turns of a session that agents are shown no more: summed up, or taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adk_flow.analysis.findings.finding import Finding, Kind
from adk_flow.analysis.trace import Trace, Turn


def find_changed_sessions(trace: Trace) -> Iterator[Finding]:
    """Finds what replaced or took back earlier turns before a turn began."""
    for place, turn in enumerate(trace.turns):
        for change in turn.changes:
            earlier = trace.turns[:place]
            if change.compacted:
                start, end = change.compacted
                gone = [one for one in earlier if one.began <= end and one.ended >= start]
                text = f"A summary replaced {_name(gone)}."
                yield _finding("replaced_turns", turn, change.record, text)
            else:
                names = [one.invocation for one in earlier]
                first = names.index(change.rewound) if change.rewound in names else len(names)
                text = f"The session was taken back: {_name(earlier[first:])} no longer count."
                yield _finding("rewound_turns", turn, change.record, text)


def _finding(kind: Kind, turn: Turn, record: int, text: str) -> Finding:
    return Finding(kind=kind, turn=turn.number, agents=(), text=text, records=(record,))


def _name(turns: Sequence[Turn]) -> str:
    if not turns:
        return "turns that are not in this log"
    first, last = turns[0].number, turns[-1].number
    return f"turn {first}" if first == last else f"turns {first} to {last}"
