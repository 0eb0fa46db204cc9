"""What stopped early, never began, was never answered, or had to be tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow._text import format_times
from adk_flow.analysis.findings.finding import Finding, listed
from adk_flow.analysis.trace import Activation, ToolCall, Trace, Turn


def find_cut_answers(trace: Trace) -> Iterator[Finding]:
    """Finds model calls whose provider says that they stopped for another reason than the end."""
    for turn in trace.turns:
        for call in turn.asked_models:
            if call.finish:
                text = f"The model of {call.agent} stopped before it was done: {call.finish}."
                records = (call.record, call.ended)
                yield Finding("cut_answer", turn.number, (call.agent,), text, records, "serious")


def find_ended_loops(trace: Trace) -> Iterator[Finding]:
    """Finds the events by which an agent ends the loop around it."""
    for turn in trace.turns:
        for record, agent in turn.escalations:
            text = f"{agent} ended the loop that it is in."
            yield Finding("ended_loop", turn.number, (agent,), text, (record,))


def find_stages_that_never_began(trace: Trace) -> Iterator[Finding]:
    """Finds stages of a sequence that were not reached though nothing failed."""
    for turn in trace.turns:
        for sequence in turn.activations:
            begun = {a.agent for a in turn.activations if a.source is sequence}
            never = [name for name in sequence.stages if name not in begun]
            reason = _reason(turn, sequence) if never and begun and turn.complete else ""
            if reason:
                stages = "a stage" if len(never) == 1 else "stages"
                text = f"{listed(never)}, {stages} of {sequence.agent}, never began: {reason}."
                records = (sequence.began, *turn.end_record)
                agents = (sequence.agent, *never)
                yield Finding("stage_not_begun", turn.number, agents, text, records, "serious")


def _reason(turn: Turn, sequence: Activation) -> str:
    if turn.failed or sequence.error:
        return ""
    waits = [call for call in turn.tool_calls if call.pending]
    if waits:
        is_resumed = any(run.resumable for run in turn.runs if run.number == sequence.run)
        return "" if is_resumed else f"{_of(waits[0])} paused, and the app cannot resume"
    return "" if sequence.closed >= 0 else "the caller stopped listening"


def find_open_calls(trace: Trace) -> Iterator[Finding]:
    """Finds long-running calls that no later message of the user answered."""
    for turn in trace.turns:
        for call in turn.tool_calls if turn.complete else ():
            if call.pending and trace.outlook.answered.get(call.id, 0) <= turn.number:
                text = f"{_of(call)} is still waited for at the end of the log."
                yield Finding("open_call", turn.number, (call.agent,), text, (call.asked,))


def find_failed_tools(trace: Trace) -> Iterator[Finding]:
    """Finds functions that failed, with how often, and whether a later call had success."""
    for turn in trace.turns:
        runs = [call for call in turn.tool_runs if call.kind == "function"]
        for (agent, name), calls in group_by(runs, lambda call: (call.agent, call.name)).items():
            failed = [call for call in calls if call.failed]
            if failed:
                text = f"{name} of {agent} failed {format_times(len(failed))}{_retried(calls)}."
                records = tuple(sorted({n for c in failed for n in (c.record, c.ended)}))
                yield Finding("failed_tool", turn.number, (agent,), text, records)


def _retried(calls: list[ToolCall]) -> str:
    counts = Counter(call.failed for call in calls)
    if len(calls) == 1:
        return " and was not called again"
    end = "with success in the end" if not calls[-1].failed else "in vain"
    return f" in {sum(counts.values())} calls, {end}"


def _of(call: ToolCall) -> str:
    return f"{call.name} of {call.agent}"
