"""What agents that ran side by side each wrote."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.trace import Activation, Trace, Write


def find_lost_state_writes(trace: Trace) -> Iterator[Finding]:
    """Finds keys of session state that activations running side by side each wrote.

    An AgentTool's child works on a copy of the state, and of the writes to one key that come back
    ADK keeps one; nodes write to one session, where the last one stays. A log holds no values.
    """
    for turn in trace.turns:
        for key, writes in group_by(turn.writes, lambda write: write.key).items():
            clashing = [one for one in writes if any(_beside(one, other) for other in writes)]
            if clashing:
                agents = {write.activation: write.activation.agent for write in clashing}
                text = (
                    f"{listed(agents.values())} ran side by side and each wrote the "
                    f"state key {listed([key])}: one write is lost, unless the values agree."
                )
                records = tuple(sorted(write.record for write in clashing))
                agents = distinct(agents.values())
                yield Finding("lost_state_write", turn.number, agents, text, records)


def _beside(write: Write, another: Write) -> bool:
    """Whether two writers ran at the same time, neither of them for the other."""
    one, other = write.activation, another.activation
    if one is other or one in other.parents() or other in one.parents():
        return False
    calls = [activation.head.within for activation in (one, other)]
    if calls[0] and calls[1] and calls[0].asked == calls[1].asked >= 0:
        return True
    return one.began < _end(other) and other.began < _end(one)


def _end(activation: Activation) -> float:
    return activation.ended if activation.ended >= 0 else float("inf")
