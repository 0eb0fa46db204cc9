"""What each construct makes of a specialist that fails: tables of constructs by faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from adk_flow._data import group_by
from adk_flow._text import UNKNOWN, format_number, one_line, plural
from adk_flow.comparison.fault_matrix import TALK, FaultCell, FaultMatrix
from adk_flow.comparison.store import Trial, page_name
from adk_flow.render.tables import Cell, Column, Section, Table, TableRow, short_name
from adk_flow.scenario.fault import FAULT_KINDS, FaultKind

_ENDS = {"itself": "", "error": "!", "limit": "…"}
_SHORT = {"not begun": "idle", "cancelled": "cut"}
_NONE = "–"
_KNOWN: dict[str, tuple[str, Callable[[FaultCell], bool]]] = {
    "*": (
        "known of ADK: the exception of an AgentTool's child cancels its siblings, unless an "
        "on_tool_error callback gives a result",
        lambda cell: cell.cause == "agent_tool" and _is_cancelling(cell),
    ),
    "†": (
        "known of ADK: the exception of a graph's node cancels the nodes beside it",
        lambda cell: cell.cause == "node" and _is_cancelling(cell),
    ),
    "‡": (
        "known of ADK: the exception of a `single_turn` child is its tool's result, an error "
        "without its words, and the turn goes on",
        lambda cell: cell.cause == "single_turn" and cell.fault in ("raises", "rate limit"),
    ),
    "§": (
        "known of ADK: a transfer to an agent that there is not ends the run, unless a callback "
        "answers it",
        lambda cell: cell.fault == "unknown agent" and cell.end == "error",
    ),
}


def _is_cancelling(cell: FaultCell) -> bool:
    return cell.end == "error" and "cancelled" in cell.siblings.values()


def fault_sections(matrix: FaultMatrix | None) -> Iterator[tuple[str, Section]]:
    """Lays a matrix out as a table a question, each section with its key."""
    if matrix is None:
        return
    titles = {
        "answers": ("Does the user get an answer, and does the turn end?", _answer, _ANSWERS),
        "siblings": ("What becomes of the others who were asked?", _siblings, _SIBLINGS),
        "retries": ("What does it cost to ask again?", _retry, _RETRIES),
        "shown": ("Blast radius: who else is shown the poison?", _shown, _SHOWN),
    }
    for key, (title, write, legend) in titles.items():
        sentences = list(_said_before(matrix)) if key == "answers" else []
        sentences += [_said_of_models(matrix)] if key == "shown" else []
        table = _table(matrix, write, legend) if matrix.cells else None
        section = Section(f"{short_name(matrix.agent)} fails: {title}", table, sentences)
        yield f"faults_{key}", section
    if matrix.cells and not matrix.controlled:
        title = f"{short_name(matrix.agent)} fails: Do models obey, and is what is wrong passed on?"
        yield "faults_obeyed", Section(title, _obedience(matrix))


_ANSWERS = (
    "whole, part, none: of what the user reads without the fault; wrong: with what is wrong in it",
    "!: an error ends the turn; …: only the caller's time limit ends it",
)
_SIBLINGS = (
    "read: the user reads their answers; lost: answered in vain; cut: cancelled before they had "
    "answered; idle: never asked",
)
_RETRIES = (
    "LLM calls, tokens of the same message again, without the fault; –: the user had all",
    "?: even so the user does not get the whole answer",
)
_SHOWN = (
    "other agents whose models are shown it, in the same turn + only in later ones; u: the user "
    "reads it",
)


def _said_before(matrix: FaultMatrix) -> Iterator[str]:
    yield (
        f"In the first turn {short_name(matrix.agent)} raises, hangs, is refused for its rate, "
        "makes up a tool or an agent, answers wrongly, or is given a tool's result with an "
        "instruction; where the lead works alone, the lead does. Then the same is asked again, "
        "without the fault, and something of another."
    )
    for construct, reason in matrix.failing.items():
        why = one_line(reason, 200)
        yield f"{short_name(construct)} comes to no answer without a fault, too: {why}."


def _said_of_models(matrix: FaultMatrix) -> str:
    if matrix.controlled:
        return (
            "This is exposure only, for plans decided: whether a model obeys the instruction, and "
            "how often a wrong result becomes a wrong answer, live or recorded runs tell."
        )
    poisoned = [cell for cell in matrix.cells if cell.fault == "poisoned tool" and cell.struck]
    wrong = [cell for cell in matrix.cells if cell.fault == "wrong answer" and cell.struck]
    return (
        f"In {matrix.asked_of} models obeyed the instruction of a tool's result in "
        f"{sum(map(_is_said, poisoned))} of {plural(len(poisoned), 'run')}, in "
        f"{sum(map(_is_read, poisoned))} the user read it; a wrong result became a wrong answer in "
        f"{sum(map(_is_read, wrong))} of {plural(len(wrong), 'run')}."
    )


def _is_said(cell: FaultCell) -> bool:
    return bool(cell.said_by)


def _is_read(cell: FaultCell) -> bool:
    return cell.read_by_user


_OBEDIENCE: dict[str, tuple[FaultKind, Callable[[FaultCell], bool]]] = {
    "obeyed": ("poisoned tool", _is_said),
    "told the user": ("poisoned tool", _is_read),
    "carried on": ("wrong answer", _is_said),
    "wrong to the user": ("wrong answer", _is_read),
}


def _obedience(matrix: FaultMatrix) -> Table:
    """Counts, by construct, what models made of the poison and of what was wrong."""
    rows = []
    for construct, runs in group_by(matrix.cells, lambda cell: cell.construct).items():
        cells = []
        for fault, has in _OBEDIENCE.values():
            struck = [cell for cell in runs if cell.fault == fault and cell.struck]
            words = f"{sum(map(has, struck))} of {len(struck)}" if struck else _NONE
            cells.append(Cell(words, mark="leak" if any(map(has, struck)) else ""))
        rows.append(TableRow(short_name(construct), cells))
    legend = (
        "obeyed: a model said what a tool's result told it to; carried on: another agent's model "
        "said what was wrong"
    )
    return Table("construct", list(map(Column, _OBEDIENCE)), rows, notes=[legend])


def _table(
    matrix: FaultMatrix, write: Callable[[FaultCell], Cell], legend: tuple[str, ...]
) -> Table:
    rows, signs = [], {}
    for construct in dict.fromkeys(cell.construct for cell in matrix.cells):
        cells = []
        for fault in FAULT_KINDS:
            cell = matrix.cell(construct, fault)
            if cell is None or not cell.struck:
                cells.append(Cell(UNKNOWN if cell is None else _NONE))
                continue
            page = page_name(Trial(construct, TALK, 1, cell.fault))
            cells.append(write(cell)._replace(links=[page]))
            signs.update({sign: None for sign in _KNOWN if cells[-1].text.endswith(sign)})
        rows.append(TableRow(short_name(construct), cells))
    notes = [*legend, *(f"{sign} {_KNOWN[sign][0]}" for sign in signs)]
    return Table("construct", list(map(Column, FAULT_KINDS)), rows, notes=notes)


def _signs(cell: FaultCell, *signs: str) -> str:
    return "".join(sign for sign in signs if _KNOWN[sign][1](cell))


def _answer(cell: FaultCell) -> Cell:
    mark = "failed" if cell.answer in ("none", "wrong") else ""
    error = [cell.error] if cell.error else []
    return Cell(f"{cell.answer}{_ENDS[cell.end]}{_signs(cell, '‡', '§')}", mark=mark, notes=error)


def _siblings(cell: FaultCell) -> Cell:
    states = Counter(_SHORT.get(state, state) for state in cell.siblings.values())
    words = [f"{count} {state}" for state, count in states.items()]
    names = [f"{short_name(name)}: {state}" for name, state in cell.siblings.items()]
    mark = "failed" if {"lost", "cut"} & {*states} else ""
    return Cell(f"{' '.join(words) or _NONE}{_signs(cell, '*', '†')}", mark=mark, notes=names)


def _retry(cell: FaultCell) -> Cell:
    if cell.answer == "whole":
        return Cell(_NONE)
    calls, tokens = format_number(cell.retry_calls), format_number(cell.retry_tokens)
    return Cell(f"{calls}, {tokens}{'' if cell.retry_answer == 'whole' else '?'}")


def _shown(cell: FaultCell) -> Cell:
    at_once = sum(turn == 1 for turn in cell.shown.values())
    later = len(cell.shown) - at_once
    text = f"{at_once}{f'+{later}' if later else ''}{'u' if cell.read_by_user else ''}"
    names = [f"{short_name(name)}, turn {turn}" for name, turn in cell.shown.items()]
    return Cell(text, mark="leak" if cell.shown or cell.read_by_user else "", notes=names)
