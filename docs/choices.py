"""What docs/choose.md says of each construct: how to wire it, and what two conversations show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from adk_flow._text import join_names
from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.fault_matrix import FaultMatrix
from adk_flow.models.request.situation import CONSULT
from adk_flow.render.comparison_tables import CONTEXTS
from adk_flow.wiring import CONSTRUCTS, IN_ADK, MEANINGS, ON_DEMAND

ANSWERS = {
    "whole": "the user reads all",
    "part": "the user reads a part of the answer",
    "none": "the user reads nothing",
    "wrong": "the user reads the error",
}
ENDS = {
    "itself": "the turn ends of itself",
    "error": "an error ends the turn",
    "limit": "only a time limit ends the turn",
}
NOT_TRIED = {
    "advisor": "as under `single_agent`; a stronger model that fails is a result that says so",
    "remote": "the user reads a part of the answer, and the turn ends of itself; of the others 2 "
    "read (`adk-flow compare root_agent --constructs remote --faults`)",
}
OTHERS = {
    "read": "read",
    "lost": "in vain",
    "cancelled": "cancelled",
    "not begun": "never asked",
}


def choices(comparison: Comparison, faults: FaultMatrix) -> str:
    """Writes a part of each construct."""
    lines = []
    for name in (*CONSTRUCTS, *ON_DEMAND):
        lines += [f"**`{name}`** · {MEANINGS[name]}", "", f"- wire it: {IN_ADK[name]}"]
        lines += [*_shown(comparison, name), _failing(name, faults), ""]
    return "\n".join(lines) + "\n"


def side_by_side(names: list[str], comparison: Comparison, faults: FaultMatrix) -> str:
    """Writes the same of some constructs as a table, a column each."""
    columns = [[*_shown(comparison, name), _failing(name, faults)] for name in names]
    lines = [["", *(f"`{name}`" for name in names)], ["---"] * (len(names) + 1)]
    for row in zip(*columns, strict=True):
        cells = [line.removeprefix("- ").partition(": ") for line in row]
        lines.append([cells[0][0], *(words for _, _, words in cells)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def calls_in_a_row(run: RunMetrics) -> int:
    """Counts the model calls on the critical path; a consult is one within a tool."""
    return sum(
        spans[index].kind == "model" or spans[index].name == CONSULT
        for spans, critical in zip(run.spans, run.critical, strict=True)
        for index in critical
    )


def _shown(comparison: Comparison, name: str) -> Iterator[str]:
    figures = comparison.figures_of(name)
    runs = [run for run in comparison.runs if run.construct == name]
    if figures is None or not runs:
        yield f"- {comparison.setting.skipped.get(name, 'not measured')}"
        return
    follow_up, three = runs
    calls = "→".join(f"{count:g}" for count in figures.after_turns[follow_up.conversation])
    lacking = "" if three.passed else ", and not all is answered"
    yield (
        f"- costs: {calls} LLM calls ({follow_up.total.reported_llm_calls} in ADK's session) and "
        f"{follow_up.total.tokens:,} tokens for a question and its follow-up; "
        f"{three.total.llm_calls} calls, critical path {calls_in_a_row(three)}, for three "
        f"topics at once{lacking}"
    )
    yield f"- context of specialists: {CONTEXTS[figures.shown]}"
    question = follow_up.turns[0]
    yield f"- the user reads: {_read(question)}; the next message goes to {question.active_agent}"


def _read(turn: TurnMetrics) -> str:
    """Names whose words the user reads of a question, in order."""
    return ", then ".join(
        f"{message.agent}{' (JSON)' if message.text.startswith('{') else ''}"
        for message in turn.messages
        if message.text.strip("– \n")
    )


def _failing(name: str, faults: FaultMatrix) -> str:
    cell = faults.cell(name, "raises")
    if cell is None:
        return f"- a specialist raises: {NOT_TRIED[name]}"
    others = Counter(OTHERS[state] for state in cell.siblings.values())
    states = [f"{count} {state}" for state, count in others.items()]
    rest = f"; of the others {join_names(states)}" if states else ""
    return f"- a specialist raises: {ANSWERS[cell.answer]}, and {ENDS[cell.end]}{rest}"
