"""Facts that a caller did not pass on, to whom it called or to the user."""

from collections.abc import Iterator, Sequence

from adk_flow._text import plural
from adk_flow.analysis.findings.finding import Finding, listed
from adk_flow.analysis.move import USER
from adk_flow.analysis.relay import trace_relays
from adk_flow.analysis.trace import KEYLESS_MODELS, Trace


def find_withheld_facts(trace: Trace, names: Sequence[str] = ()) -> Iterator[Finding]:
    """Finds facts that were lost on the way, where a language model decided what to pass on."""
    models = {call.model for turn in trace.turns for call in turn.asked_models}
    if models <= KEYLESS_MODELS:  # a plan writes the requests, and no construct does
        return
    for relay in trace_relays(trace, names):
        if relay.lost:
            facts = f"{listed(relay.lost)}, of {plural(len(relay.facts), 'fact')}"
            text = f"{relay.source} answered {facts}, and the user does not read it."
            if relay.source == USER:
                text = f"The user said {facts}, and it reached none of {listed(relay.targets)}."
            records = relay.records
            agents = tuple(name for name in (relay.source, *relay.targets) if name != USER)
            yield Finding("withheld_fact", relay.turn, agents, text, records)
