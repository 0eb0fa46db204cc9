"""Agents that took the turn over and cannot give it back."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, make_finding
from adk_flow.analysis.trace import Activation, Trace, Turn


def find_dead_ends(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds agents that took the turn over and were offered nobody to hand it back to."""
    for activation in turn.activations:
        is_last = activation.cause == "transfer" and activation.successor is None
        if is_last and activation.faces_user:
            yield from _dead_end(turn, activation)


def _dead_end(turn: Turn, activation: Activation) -> Iterator[Finding]:
    sent, source = turn.requests(activation), activation.source
    # Some releases of ADK do not tell to whom a transfer is offered.
    if not sent or any(r.targets or "transfer_to_agent" in r.tools for _, r in sent):
        return
    text = (
        f"{activation.agent} took over from "
        f"{source.agent if source else activation.parent_name} and "
        f"was offered nobody to hand over to{_outlook(activation.agent, turn.active_agent)}."
    )
    records = [activation.began, *(index for index, _ in sent), *turn.end_record]
    level = "serious" if turn.active_agent == activation.agent else "notice"
    yield make_finding("dead_end", turn, [activation.agent], text, records, level)


def _outlook(agent: str, active_agent: str) -> str:
    if not active_agent:
        return ""
    if active_agent == agent:
        return "; it holds the next turn too, so the user is stuck with it"
    return f"; the user's next message goes to {active_agent} again"
