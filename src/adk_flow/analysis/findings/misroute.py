"""Where a classifier would have sent a turn that a plan sends elsewhere."""

from collections.abc import Iterator

from adk_flow._data import object_in
from adk_flow.analysis.findings.finding import Finding, listed, make_finding
from adk_flow.analysis.nodes import node_name
from adk_flow.analysis.trace import Trace, Turn
from adk_flow.log.schema import Record


def find_misroutes(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds routes that are not what the classifier gives the most probability.

    A classifier of ADK's takes what it gives the most; only a plan decides otherwise. What it gives
    stands in the state under its `answer_key` (2.13, labs/classifiers/_classifier_node.py).
    """
    for index, record in turn.routed:
        shares = _probabilities(record)
        likeliest = max(shares, key=lambda name: shares[name], default="")
        if likeliest and shares[likeliest] > shares.get(record.route, 1):
            text = (
                f"{node_name(record.path)} would have sent this to {listed([likeliest])} "
                f"({shares[likeliest]:.0%}); the plan sent it to {listed([record.route])}."
            )
            yield make_finding("misroute", turn, [record.route], text, [index])


def _probabilities(record: Record) -> dict[str, float]:
    """Reads what a classifier gives each label; nothing of any other record."""
    if "probabilities" not in record.values:
        return {}
    values = object_in(record.values).values()
    answers = (value.get("probabilities") for value in values if isinstance(value, dict))
    shares = next((answer for answer in answers if isinstance(answer, dict)), {})
    return {name: share for name, share in shares.items() if isinstance(share, float)}
