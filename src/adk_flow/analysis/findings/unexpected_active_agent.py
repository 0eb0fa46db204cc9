"""Turns after which another agent than the one that answered is active."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, make_finding
from adk_flow.analysis.trace import Trace, Turn


def find_unexpected_active_agents(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds turns after which another agent than the one that answered gets the next message.

    Graphs and staged agents take every turn from the start, and who calls an agent stays in hold
    of the turn: neither is unexpected.
    """
    if not turn.complete or turn.failed or not turn.finals:
        return
    final = turn.finals[-1]
    activation = trace.activations.get(final.activation)
    if activation is None or turn.active_agent == final.agent or not activation.faces_user:
        return
    # Of two agents of one name, ADK may ask the one that has not spoken.
    if "/" not in turn.active_agent and turn.active_agent not in trace.outlook.speaking:
        return
    sent = turn.requests(activation)
    barred = bool(sent) and turn.active_agent not in sent[-1][1].targets
    reason = f", to whom {final.agent} may not hand over" if barred else ""
    asked = tuple(index for index, _ in sent[-1:] if barred)
    text = (
        f"{final.agent} answered the user, but the next message goes to "
        f"{turn.active_agent}{reason}."
    )
    names, records = (final.agent, turn.active_agent), [*asked, final.record, *turn.end_record]
    yield make_finding("unexpected_holder", turn, names, text, records)
