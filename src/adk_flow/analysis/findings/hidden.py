"""Model calls that ADK's session does not show, and hooks that another plugin hid."""

from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow.analysis.findings.finding import Finding, distinct, listed, make_finding
from adk_flow.analysis.trace import Trace, Turn


def find_hidden_conversations(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds turns of which ADK's session lacks model calls: those in runs of their own."""
    hidden = [call for call in turn.asked_models if call.nested]
    if not hidden:
        return
    agents = distinct(call.agent for call in hidden)
    own = "sessions of their own" if len(agents) > 1 else "a session of its own"
    text = (
        f"{len(hidden)} of {len(turn.asked_models)} LLM calls{_tokens(turn)} are not in "
        f"ADK's session: {listed(agents)} ran in {own}."
    )
    records = [n for call in hidden for n in (call.record, call.ended) if n >= 0]
    yield make_finding("hidden_conversation", turn, agents, text, records)


def _tokens(turn: Turn) -> str:
    taken = [call.tokens for call in turn.asked_models]
    if None in taken or None in turn.reported.values():
        return ""
    everything = sum(usage.tokens for usage in taken if usage)
    shown = sum(usage.tokens for usage in turn.reported.values() if usage)
    if everything <= shown:
        return ""
    return f" and {everything - shown:,} of {everything:,} tokens"


def find_hidden_hooks(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds hooks that a plugin before the recorder answered, as other records show."""
    for hook, hidden in group_by(turn.hidden_hooks, lambda hidden: hidden.hook).items():
        names = listed(hook.of for hook in hidden)
        text = f"A plugin before the recorder hid {hook} of {names}; list FlowPlugin first."
        records = {index for hook in hidden for index in hook.records}
        yield make_finding("hidden_hook", turn, distinct(h.agent for h in hidden), text, records)
