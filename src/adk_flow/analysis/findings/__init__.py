"""What is striking in a flow log, each with the records that prove it.

A finding is no guess: its criterion stands in its text or in its function, and where a log does not
hold what would prove it, such as words left out, there is none.
"""

from collections.abc import Sequence

from adk_flow.analysis.findings.avoidable_serial_calls import find_avoidable_serial_calls
from adk_flow.analysis.findings.changed_session import find_changed_sessions
from adk_flow.analysis.findings.concurrency import find_lost_state_writes
from adk_flow.analysis.findings.dead_end import find_dead_ends
from adk_flow.analysis.findings.dropped_answer import find_dropped_answers
from adk_flow.analysis.findings.finding import KINDS, Finding
from adk_flow.analysis.findings.glued_answers import find_glued_answers
from adk_flow.analysis.findings.hallucinated_name import find_hallucinated_names
from adk_flow.analysis.findings.hidden import find_hidden_conversations, find_hidden_hooks
from adk_flow.analysis.findings.ignored_transfer import find_ignored_transfers
from adk_flow.analysis.findings.leaks import detect_leaks
from adk_flow.analysis.findings.misroute import find_misroutes
from adk_flow.analysis.findings.ping_pong import find_ping_pong
from adk_flow.analysis.findings.repeated_words import find_repeated_words
from adk_flow.analysis.findings.unexpected_active_agent import find_unexpected_active_agents
from adk_flow.analysis.findings.unfinished import (
    find_cut_answers,
    find_ended_loops,
    find_failed_tools,
    find_open_calls,
    find_stages_that_never_began,
)
from adk_flow.analysis.findings.withheld_facts import find_withheld_facts
from adk_flow.analysis.trace import Trace

__all__ = ["KINDS", "Finding", "detect_findings", "detect_leaks"]

_DETECTORS = (
    find_ping_pong,
    find_dead_ends,
    find_unexpected_active_agents,
    find_hallucinated_names,
    find_ignored_transfers,
    find_hidden_hooks,
    find_hidden_conversations,
    find_dropped_answers,
    find_repeated_words,
    find_glued_answers,
    find_avoidable_serial_calls,
    find_lost_state_writes,
    find_cut_answers,
    find_ended_loops,
    find_changed_sessions,
    find_stages_that_never_began,
    find_open_calls,
    find_failed_tools,
    find_misroutes,
)


def detect_findings(trace: Trace, names: Sequence[str] = ()) -> list[Finding]:
    """Looks for every kind of finding but leaks, in the order of the log.

    `names` are those that count as facts, besides numbers with a unit and dates.
    """
    findings = [each for turn in trace.turns for find in _DETECTORS for each in find(turn, trace)]
    findings += find_withheld_facts(trace, names)
    return sorted(findings, key=lambda finding: (finding.turn, finding.records))
