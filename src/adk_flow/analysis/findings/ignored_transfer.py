"""Hand-overs that came to nothing."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, listed, make_finding
from adk_flow.analysis.trace import Activation, Trace, Turn


def find_ignored_transfers(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds transfers that ADK took no notice of, and those that lost against another."""
    if turn.complete and not turn.failed:
        yield from _ignored(turn)
        yield from _lost(trace, turn)


def _ignored(turn: Turn) -> Iterator[Finding]:
    for source in turn.activations:
        if source.target and not _began(turn, source):
            text = f"{source.agent} handed over to {listed([source.target])}, which never began."
            names, records = [source.agent], [source.ended if source.ended >= 0 else source.began]
            yield make_finding("ignored_transfer", turn, names, text, records, "serious")


def _began(turn: Turn, source: Activation) -> bool:
    # In a live session it may have begun in a later turn.
    return source.successor is not None or any(
        activation.agent.rpartition("/")[2] == source.target
        and activation.cause in ("transfer", "resume")
        and activation.began > source.began
        for activation in turn.activations
    )


def _lost(trace: Trace, turn: Turn) -> Iterator[Finding]:
    for call in turn.asked_models:
        number = len([asked for asked in call.calls if asked.kind == "transfer"])
        if number < 2:
            continue
        source = trace.activations.get(call.activation)
        own = [other for other in turn.model_calls if other.activation == call.activation]
        if source is not None and source.target and own[-1] is call:
            text = (
                f"{call.agent} handed over {number} times at once; only that to "
                f"{listed([source.target])} took place."
            )
            names, records = [call.agent], [call.record, call.ended]
            yield make_finding("ignored_transfer", turn, names, text, records, "serious")
