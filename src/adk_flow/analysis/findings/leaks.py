"""Leaks as findings: what an agent was shown that is not for it."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.visibility import Visibility


def detect_leaks(trace: Trace, shown: Visibility) -> Iterator[Finding]:
    """Finds each leak among what each agent was shown, in its turn."""
    turns = {call.record: turn.number for turn in trace.turns for call in turn.model_calls}
    for leak in shown.leaks:
        is_canary = leak.kind == "canary"
        what = f"the canary “{leak.source}”" if is_canary else f"{leak.kind} of {leak.source}"
        text = f"{leak.agent} was shown {what}, which is not for it."
        turn, records = turns.get(leak.record, 0), (leak.record,)
        yield Finding("leak", turn, (leak.agent,), text, records, "serious")
