"""Turns of a session that agents are shown no more: summed up, or taken back."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, make_finding
from adk_flow.analysis.trace import Trace, Turn


def find_changed_sessions(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds what replaced or took back earlier turns before a turn began."""
    for change in turn.changes:
        if change.compacted:
            gone = trace.outlook.replaced_before(turn.number, *change.compacted)
            kind, text = "replaced_turns", f"A summary replaced {_name(gone)}."
        else:
            gone = trace.outlook.undone_before(turn.number, change.rewound)
            kind, text = "rewound_turns", f"The session was taken back to before {_name(gone)}."
        yield make_finding(kind, turn, (), text, [change.record])


def _name(turns: tuple[int, int] | None) -> str:
    if turns is None:
        return "turns that are not in this log"
    first, last = turns
    return f"turn {first}" if first == last else f"turns {first} to {last}"
