"""Hooks that another plugin hid from the recorder."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.trace import Trace


def find_hidden_hooks(trace: Trace) -> Iterator[Finding]:
    """Finds hooks that a plugin before the recorder answered, as other records show."""
    for turn in trace.turns:
        for hook, hidden in group_by(turn.hidden_hooks, lambda hidden: hidden.hook).items():
            text = (
                f"A plugin before the recorder hid {hook} of "
                f"{listed(one.of for one in hidden)}; list FlowPlugin first."
            )
            records = tuple(sorted({index for one in hidden for index in one.records}))
            agents = distinct(one.agent for one in hidden)
            yield Finding("hidden_hook", turn.number, agents, text, records)
