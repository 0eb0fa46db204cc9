"""Agents whose model calls nobody sees: behind A2A servers, or asked by another SDK than ADK's."""

from __future__ import annotations

from adk_flow.analysis.trace import Activation, Run, Turn
from adk_flow.log.schema import Record, Usage


def read_peer(index: int, record: Record, activation: Activation) -> None:
    """An event of a remote agent's: whether its server was reached, and what that reports."""
    activation.was_sent |= record.request is not None
    if record.error and not activation.was_sent:
        activation.is_remote = False  # nobody was reached, who could have called a model
        return
    is_step = bool(record.calls) != bool(record.responses) and not record.pending
    is_lost = bool(record.error) and not record.remote
    activation.goes_on = is_step or is_lost or record.partial
    if record.usage is not None:
        _take_usage(record.remote_event or str(index), record.usage, activation.unseen_usage)


def _take_usage(event: str, usage: Usage, reported: dict[str, Usage | None]) -> None:
    """Takes what a server reports; if it is the same again, it may be of the event before."""
    before = [value for key, value in reported.items() if value and key != event]
    reported[event] = None if before[-1:] == [usage] else usage


def note_elsewhere(index: int, record: Record, run: Run, activation: Activation) -> None:
    """An agent without a model of ADK's may report tokens: it asks one by itself.

    Unless a model that was seen reports the same, whose answer it hands on. If models below it were
    seen, the tokens may be a sum in which theirs are.
    """
    usage = record.usage
    if usage is None or record.partial or record.replayed or activation.is_remote:
        return
    calls = run.turn.model_calls
    if activation.asks_elsewhere or not any(call.usage == usage for call in calls):
        activation.asks_elsewhere = True
        is_sum = not _below(activation, run.turn).isdisjoint(call.activation for call in calls)
        activation.unseen_usage[str(index)] = None if is_sum else usage


def _below(top: Activation, turn: Turn) -> set[int]:
    """Numbers an agent's activation and those that it began, be it by others."""
    below = {top.number}
    for activation in turn.activations:  # in the order in which they began
        if activation.parent in below:
            below.add(activation.number)
    return below
