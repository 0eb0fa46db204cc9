"""What is striking in a flow log, each with the records that prove it.

A finding is no guess: its criterion stands in its text or in its function, and where a log does not
hold what would prove it, such as words left out, there is none.
"""

from __future__ import annotations

from adk_flow.analysis.findings.answers import hidden_conversations, unrelayed_answers
from adk_flow.analysis.findings.concurrency import lost_state_writes, needless_series
from adk_flow.analysis.findings.control import (
    dead_ends,
    hallucinated_names,
    ping_pong,
    unclosed_activations,
    unexpected_active_agents,
)
from adk_flow.analysis.findings.finding import KINDS, Finding, of_leak
from adk_flow.analysis.findings.leaks import leaks
from adk_flow.analysis.findings.story import read_story
from adk_flow.log.reader import Log

__all__ = ["KINDS", "Finding", "findings", "leaks", "of_leak"]

_DETECTORS = (
    ping_pong,
    dead_ends,
    unexpected_active_agents,
    unclosed_activations,
    hallucinated_names,
    hidden_conversations,
    unrelayed_answers,
    needless_series,
    lost_state_writes,
)


def findings(log: Log) -> list[Finding]:
    """Looks for every kind of finding but leaks, in the order of the log."""
    story = read_story(log)
    found = [one for detect in _DETECTORS for one in detect(story)]
    return sorted(found, key=lambda one: (one.turn, one.records))
