"""Turns after which another agent than the one that answered is active."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace, Turn


def find_unexpected_active_agents(trace: Trace) -> Iterator[Finding]:
    """Finds turns after which another agent than the one that answered gets the next message.

    Graphs and staged agents take every turn from the start, and who calls an agent stays in hold
    of the turn: neither is unexpected.
    """
    for turn in trace.turns:
        if turn.complete and not turn.failed:
            yield from _unexpected(trace, turn)


def _unexpected(trace: Trace, turn: Turn) -> Iterator[Finding]:
    final = next(iter(turn.finals[-1:]), None)
    activation = trace.activations.get(final.activation) if final else None
    if final is None or activation is None or turn.active_agent == final.agent:
        return
    if not activation.faces_user:
        return
    # Of two agents of one name, ADK may ask the one that has not spoken.
    is_agent = "/" in turn.active_agent or turn.active_agent in trace.outlook.speaking
    if not is_agent:
        return
    sent = turn.requests(activation)
    barred = bool(sent) and turn.active_agent not in sent[-1][1].targets
    reason = f", to whom {final.agent} may not hand over" if barred else ""
    asked = tuple(index for index, _ in sent[-1:] if barred)
    text = (
        f"{final.agent} answered the user, but the next message goes to "
        f"{turn.active_agent}{reason}."
    )
    records = (*asked, final.record, *turn.end_record)
    yield Finding("unexpected_holder", turn.number, (final.agent, turn.active_agent), text, records)
