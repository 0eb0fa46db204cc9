"""Leaks as findings: what an agent was shown that is not for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from adk_flow.analysis.critical_path import Span
from adk_flow.analysis.findings.finding import Finding, of_leak
from adk_flow.analysis.visibility import Isolation


def leaks(shown: Isolation, spans: Mapping[int, Iterable[Span]]) -> Iterator[Finding]:
    """Tells each leak, in its turn.

    Args:
      shown: what each agent was shown.
      spans: model and tool calls by turn.
    """
    turns = {span.record: turn for turn, found in spans.items() for span in found}
    for leak in shown.leaks:
        is_canary = leak.kind == "canary"
        what = f"the canary “{leak.source}”" if is_canary else f"{leak.kind} of {leak.source}"
        yield of_leak(leak.agent, what, leak.record, turns.get(leak.record, 0))
