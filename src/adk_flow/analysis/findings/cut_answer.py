"""Answers that a model stopped before it was done."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace


def find_cut_answers(trace: Trace) -> Iterator[Finding]:
    """Finds model calls whose provider says that they stopped for another reason than the end."""
    for turn in trace.turns:
        for call in turn.asked_models:
            if call.finish:
                text = f"The model of {call.agent} stopped before it was done: {call.finish}."
                records = (call.record, call.ended)
                yield Finding("cut_answer", turn.number, (call.agent,), text, records, "serious")
