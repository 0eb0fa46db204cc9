"""Hooks that another plugin hid from the recorder."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding
from adk_flow.analysis.trace import Trace


def find_hidden_hooks(trace: Trace) -> Iterator[Finding]:
    """Finds tool calls whose end an event tells and no hook: a plugin before answered the hook."""
    for turn in trace.turns:
        for call in turn.tool_calls:
            if call.hidden:
                yield Finding(
                    kind="hidden_hook",
                    turn=turn.number,
                    agents=(call.agent,),
                    text=f"A plugin before the recorder hid after_tool of {call.name}; "
                    "list FlowPlugin first.",
                    records=(call.record, call.ended),
                )
