"""What stopped early, never began, was never answered, or had to be tried again."""

from collections.abc import Iterator

from adk_flow._data import group_by
from adk_flow._text import format_times
from adk_flow.analysis.findings.finding import Finding, listed, make_finding
from adk_flow.analysis.trace import Activation, ToolCall, Trace, Turn


def find_cut_answers(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds model calls whose provider says that they stopped for another reason than the end."""
    for call in turn.asked_models:
        if call.finish:
            text = f"The model of {call.agent} stopped before it was done: {call.finish}."
            records = [call.record, call.ended]
            yield make_finding("cut_answer", turn, [call.agent], text, records, "serious")


def find_ended_loops(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds the events by which an agent ends the loop around it."""
    for record, agent in turn.escalations:
        text = f"{agent} ended the loop that it is in."
        yield make_finding("ended_loop", turn, [agent], text, [record])


def find_stages_that_never_began(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds stages of a sequence that were not reached though nothing failed."""
    for sequence in turn.activations:
        begun = {a.agent for a in turn.activations if a.source is sequence}
        never = [name for name in sequence.stages if name not in begun]
        if never and begun and turn.complete and (reason := _reason(turn, sequence)):
            stages = "a stage" if len(never) == 1 else "stages"
            text = f"{listed(never)}, {stages} of {sequence.agent}, never began: {reason}."
            names, records = [sequence.agent, *never], [sequence.began, *turn.end_record]
            yield make_finding("stage_not_begun", turn, names, text, records, "serious")


def _reason(turn: Turn, sequence: Activation) -> str:
    if turn.failed or sequence.error:
        return ""
    waits = [call for call in turn.tool_calls if call.pending]
    if waits:
        is_resumed = any(run.resumable for run in turn.runs if run.number == sequence.run)
        return "" if is_resumed else f"{_of(waits[0])} paused, and the app cannot resume"
    return "" if sequence.closed >= 0 else "the caller stopped listening"


def find_open_calls(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds long-running calls that no later message of the user answered."""
    for call in turn.tool_calls if turn.complete else ():
        if call.pending and trace.outlook.answered.get(call.id, 0) <= turn.number:
            text = f"{_of(call)} is still waited for at the end of the log."
            yield make_finding("open_call", turn, [call.agent], text, [call.asked])


def find_failed_tools(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds functions that failed, with how often, and whether a later call had success."""
    runs = [call for call in turn.tool_runs if call.kind == "function"]
    for (agent, name), calls in group_by(runs, lambda call: (call.agent, call.name)).items():
        failed = [call for call in calls if call.failed]
        if failed:
            text = f"{name} of {agent} failed {format_times(len(failed))}{_retried(calls)}."
            records = {n for call in failed for n in (call.record, call.ended)}
            yield make_finding("failed_tool", turn, [agent], text, records)


def _retried(calls: list[ToolCall]) -> str:
    if len(calls) == 1:
        return " and was not called again"
    return f" in {len(calls)} calls, {'in vain' if calls[-1].failed else 'with success in the end'}"


def _of(call: ToolCall) -> str:
    return f"{call.name} of {call.agent}"
