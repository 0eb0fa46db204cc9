"""Activations for which ADK never called `after_agent`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.trace import Activation, Trace

_ENDED = {
    "transfer": "handed over",
    "return": "had given its answer",
    "after_run": "was open when the turn ended",
}
"""How a activation that never got `after_agent` ended, see `Activation.ended_by`."""


def find_unclosed_activations(trace: Trace) -> Iterator[Finding]:
    """Finds activations for which ADK never called `after_agent`, though nothing failed."""
    for turn in trace.turns:
        waiting = turn.waiting()
        left = [one for one in turn.activations if _is_unclosed(one) and one not in waiting]
        if turn.complete and not turn.failed and left:
            yield Finding(
                kind="unclosed_frame",
                turn=turn.number,
                agents=distinct(activation.agent for activation in left),
                text=f"ADK called no after_agent for {len(left)} of {len(turn.activations)} "
                f"frames: {_by_ending(left)}.",
                records=tuple(sorted({n for one in left for n in (one.began, one.ended)})),
            )


def _is_unclosed(activation: Activation) -> bool:
    # A call that fails ends its activation too, and an agent that fails gets agent_error instead.
    if activation.closed >= 0 or activation.ended_by not in _ENDED:
        return False
    return not (activation.ended_by == "return" and activation.within and activation.within.failed)


def _by_ending(activations: list[Activation]) -> str:
    agents: dict[str, list[str]] = defaultdict(list)
    for activation in activations:
        agents[activation.ended_by].append(activation.agent)
    return "; ".join(f"{listed(names)}, which {_ENDED[by]}" for by, names in agents.items())
