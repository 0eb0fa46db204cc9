"""Moves and figures as plain data, for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.metrics import TurnMetrics, measure
from adk_flow.analysis.relay import trace_relays
from adk_flow.analysis.trace import Trace
from adk_flow.render.flow_text import FlowView, is_in_view

if TYPE_CHECKING:
    from adk_flow.run.conversation_run import ConversationRun


_DERIVED = "answered_by answer messages_read wall_seconds parallelism overhead_seconds"


def turn_to_data(turn: TurnMetrics) -> dict[str, Any]:
    """Gives a turn's figures with those that are derived from others."""
    return msgspec.to_builtins(turn) | {name: getattr(turn, name) for name in _DERIVED.split()}


def flow_to_data(
    trace: Trace, view: FlowView, only: int = 0, names: Sequence[str] = ()
) -> dict[str, Any]:
    """Gives header, moves, figures, findings, facts passed on and damage of a log, or of a turn."""
    data = {
        "header": trace.log.header,
        "moves": [m for m in trace.moves if only in (0, m.turn) and is_in_view(m, view)],
        "turns": [turn_to_data(turn) for turn in measure(trace) if only in (0, turn.turn)],
        "findings": [each for each in detect_findings(trace, names) if only in (0, each.turn)],
        "relays": [relay for relay in trace_relays(trace, names) if only in (0, relay.turn)],
        "damage": [damage._asdict() for damage in trace.log.damage],
        "gaps": [gap._asdict() for gap in trace.log.gaps],
    }
    return msgspec.to_builtins(data)


def run_to_data(run: ConversationRun) -> dict[str, Any]:
    """Gives log, metrics and moves of a conversation that has ended, and what failed in it."""
    return {
        "log": str(run.log) if run.log else None,
        "turns": [turn_to_data(turn) for turn in run.turns],
        "moves": run.moves,
        "failed_checks": run.failed_checks,
        "faults": run.faults,
        "uncontrolled": run.uncontrolled,
    }
