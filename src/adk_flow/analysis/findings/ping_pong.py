"""Two agents that hand over to each other again and again."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from adk_flow._text import format_times
from adk_flow.analysis.findings.finding import Finding, distinct, make_finding
from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Activation, Trace, Turn


def find_ping_pong(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds two agents of whom one handed over to the other more than once in a turn."""
    passed: dict[Any, list[Move]] = defaultdict(list)
    for move in turn.moves:
        if move.kind == "transfer":
            # ADK may run an agent that was handed over to in a node that no hook tells of.
            taker = trace.activations.get(move.activation) or trace.activations.get(move.parent)
            head = taker.head if taker else None
            passed[head, frozenset((move.source, move.target))].append(move)
    for moves in (moves for moves in passed.values() if len(moves) > 1):
        counts = Counter((move.source, move.target) for move in moves)
        ((source, target), most) = counts.most_common(1)[0]
        if most > 1:
            back = counts[target, source] if source != target else 0
            also = f", and {target} to {source} {format_times(back)}" if back else ""
            text = f"{source} handed over to {target} {format_times(most)} in one turn{also}."
            records = [_handover(trace.activations.get(move.parent), move) for move in moves]
            names = distinct([source, target])
            yield make_finding("ping_pong", turn, names, text, records, "serious")


def _handover(source: Activation | None, move: Move) -> int:
    """Finds the event that carries a transfer, else the record that shows its target begin."""
    return source.ended if source and source.ended_by == "transfer" else move.record
