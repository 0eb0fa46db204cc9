"""What each agent was shown, for the report: words, planted facts, state and artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.visibility import Exposure
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.tables import Cell, Column, Row, Table, short_name

COLUMNS = ("the user's words", "others' words", "its request", "answers", "tool results")


class ExposureCell(NamedTuple):
    """What an agent was shown of one thing, in the runs in which it could be."""

    sign: str
    words: str
    style: str


class ExposureRow(NamedTuple):
    """What an agent was shown, by column."""

    agent: str
    cells: list[ExposureCell]


class ExposureMatrix(NamedTuple):
    """What the agents of a construct were shown."""

    construct: str
    rows: list[ExposureRow]
    unknown: list[str]
    """Why more may have been shown."""


def list_canaries(comparison: Comparison) -> list[str]:
    """Lists every canary that was planted."""
    return list(dict.fromkeys(name for run in comparison.runs for name in run.isolation.canaries))


def describe_unseen_canaries(comparison: Comparison) -> list[str]:
    """Says which canaries occur nowhere in a run, so that nothing is known of them."""
    where: dict[tuple[str, str], list[str]] = {}
    for run in comparison.runs:
        for name in run.isolation.unseen:
            names = where.setdefault((name, run.conversation), [])
            if run.construct not in names:
                names.append(run.construct)
    return [
        f"Nothing is known of the canary {name} in {conversation} under {', '.join(names)}: it "
        "occurred nowhere in the log."
        for (name, conversation), names in where.items()
    ]


def exposure_matrix(
    comparison: Comparison, construct: str, planted: Sequence[str]
) -> ExposureMatrix:
    """Gives what each agent was shown in the runs of a construct."""
    runs = [run for run in comparison.runs if run.construct == construct]
    agents = dict.fromkeys(name for run in runs for name in run.isolation.agents)
    rows = [ExposureRow(name, list(_row(runs, name, planted))) for name in agents]
    reasons = dict.fromkeys(
        f"{run.conversation}: {run.isolation.unknown_reason}"
        for run in runs
        if not run.isolation.known
    )
    return ExposureMatrix(construct, rows, list(reasons))


def _row(runs: Sequence[RunMetrics], agent: str, planted: Sequence[str]) -> Iterable[ExposureCell]:
    mine = [run for run in runs if agent in run.isolation.agents]
    for column in COLUMNS:
        yield _seen(mine, agent, column, lambda sight, column=column: _column(sight) == column)
    for name in planted:
        with_it = [run for run in mine if name in run.isolation.canaries]
        known = [run for run in with_it if name not in run.isolation.unseen]
        if with_it and not known:
            yield ExposureCell("?", "never occurred in the log", "unknown")
        elif not with_it:
            yield ExposureCell("", "not planted where it ran", "absent")
        else:
            yield _seen(
                known,
                agent,
                name,
                lambda sight, name=name: sight.kind == "canary" and sight.source == name,
            )


def _column(sight: Exposure) -> str:
    if sight.kind == "words":
        return COLUMNS[0] if sight.source == USER else COLUMNS[1]
    return {"request": COLUMNS[2], "answer": COLUMNS[3], "tool": COLUMNS[4]}.get(sight.kind, "")


def _seen(
    runs: Sequence[RunMetrics], agent: str, what: str, fits: Callable[[Exposure], bool]
) -> ExposureCell:
    sights = [
        [one for one in run.isolation.sights if one.agent == agent and fits(one)] for run in runs
    ]
    leaked = any(one.agent == agent and fits(one) for run in runs for one in run.isolation.leaks)
    held = [found for found in sights if found]
    if not held:
        if all(run.isolation.known for run in runs):
            return ExposureCell("·", "not shown", "none")
        return ExposureCell("?", "not known", "unknown")
    sources = dict.fromkeys(one.source for found in held for one in found)
    by = "" if what in sources or list(sources) == [USER] else f" (of {', '.join(sources)})"
    share = "every run" if len(held) == len(runs) else f"{len(held)} of {len(runs)} runs"
    if leaked:
        return ExposureCell("▲", f"shown in {share}{by}, and not for it", "leak")
    return ExposureCell("●" if len(held) == len(runs) else "○", f"shown in {share}{by}", "shown")


class _Shared(NamedTuple):
    """State or an artifact that others than its writer received."""

    readers: dict[str, None]
    conversations: set[str]
    proof: str


def shared_state_table(comparison: Comparison) -> Table:
    """Lists state and artifacts that others than their writer received, once a construct."""
    shared: dict[tuple[str, str, str, str], _Shared] = {}
    for run in comparison.runs:
        for one in run.isolation.crossings:
            proof = f"record {one.record} of {run.log}"
            key = run.construct, one.kind, one.key, one.writer
            entry = shared.setdefault(key, _Shared({}, set(), proof))
            entry.readers.update(dict.fromkeys(one.reached))
            entry.conversations.add(run.conversation)
    order = [figures.construct for figures in comparison.constructs]
    names = ("what", "written by", "later read by", "conversations", "first proof")
    rows = [
        Row(short_name(construct), _shared_cells(f"{kind} {key}", writer, entry))
        for (construct, kind, key, writer), entry in sorted(
            shared.items(), key=lambda item: order.index(item[0][0])
        )
    ]
    return Table("construct", [Column(name) for name in names], rows, is_prose=True)


def _shared_cells(what: str, writer: str, entry: _Shared) -> list[Cell]:
    readers, conversations = ", ".join(entry.readers), str(len(entry.conversations))
    return [Cell(text) for text in (what, writer, readers, conversations, entry.proof)]
