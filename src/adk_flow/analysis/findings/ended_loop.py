"""Who ended a loop."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace


def find_ended_loops(trace: Trace) -> Iterator[Finding]:
    """Finds the events by which an agent ends the loop around it."""
    for turn in trace.turns:
        for record, agent in turn.escalations:
            text = f"{agent} ended the loop that it is in."
            yield Finding("ended_loop", turn.number, (agent,), text, (record,))
