"""What agents that ran side by side each wrote."""

import math
from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow.analysis.findings.finding import Finding, distinct, listed, make_finding
from adk_flow.analysis.trace import Activation, Trace, Turn, Write


def find_lost_state_writes(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds keys of session state that activations running side by side each wrote.

    An AgentTool's child works on a copy of the state, and of the writes to one key that come back
    ADK keeps one; nodes write to one session, where the last one stays. A log holds no values.
    """
    for key, writes in group_by(turn.writes, lambda write: write.key).items():
        clashing = [w for w in writes if any(_ran_at_once(w, other) for other in writes)]
        if clashing:
            names = {write.activation: write.activation.agent for write in clashing}.values()
            text = (
                f"{listed(names)} ran side by side and each wrote the state key {listed([key])}: "
                "one write is lost, unless the values agree."
            )
            records = [write.record for write in clashing]
            yield make_finding("lost_state_write", turn, distinct(names), text, records)


def _ran_at_once(write: Write, another: Write) -> bool:
    """Whether two writers ran at the same time, neither of them for the other."""
    first, second = write.activation, another.activation
    calls = [activation.head.within for activation in (first, second)]
    is_one_fork = calls[0] and calls[1] and calls[0].asked == calls[1].asked >= 0
    return ran_at_once(first, second, is_known=bool(is_one_fork))


def ran_at_once(first: Activation, second: Activation, *, is_known: bool = False) -> bool:
    """Whether two agents ran at the same time, be it known, neither of them for the other."""
    if first is second or first in second.parents() or second in first.parents():
        return False
    ends = [agent.ended if agent.ended >= 0 else math.inf for agent in (first, second)]
    return is_known or (first.began < ends[1] and second.began < ends[0])
