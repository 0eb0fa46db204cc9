"""What each agent was shown, for the report: words, planted facts, state and artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.visibility import Exposure
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.report_links import link_to
from adk_flow.render.tables import Cell, Column, Table, TableRow, group_rows, short_name

_MESSAGES = ("user's messages", "others' messages", "its request", "answers", "tool results")
_COLUMN_OF = {"request": "its request", "answer": "answers", "tool": "tool results"}
_MOST_REASONS = 3
"""Reasons shown why more may have been received under a construct."""


def describe_unseen_canaries(comparison: Comparison) -> list[str]:
    """Says which canaries occur nowhere in a run, so that nothing is known of them."""
    where: dict[tuple[str, str], dict[str, None]] = {}
    for run in comparison.runs:
        for name in run.visibility.unseen:
            where.setdefault((name, run.conversation), {})[run.construct] = None
    return [
        f"Nothing is known of the canary {name} in {conversation} under {', '.join(constructs)}: "
        "it occurred nowhere in the log."
        for (name, conversation), constructs in where.items()
    ]


def exposure_table(comparison: Comparison) -> Table:
    """Gives what each agent received, construct by construct, and of which canaries."""
    canaries = dict.fromkeys(name for run in comparison.runs for name in run.visibility.canaries)
    rows, notes = [], []
    for figures in comparison.constructs:
        construct, runs = short_name(figures.construct), comparison.runs_of(figures.construct)
        agents = dict.fromkeys(name for run in runs for name in run.visibility.agents)
        cells = [
            [Cell(short_name(agent)), *_cells(runs, agent, list(canaries))] for agent in agents
        ]
        rows += group_rows(construct, cells)
        notes += [f"{construct}: no model was called, so nothing is known"] * (not agents)
        notes += _unknown(construct, runs)
    names = ["agent", *_MESSAGES, *(f"canary: {short_name(name)}" for name in canaries)]
    return Table("construct", list(map(Column, names)), rows, notes=notes)


def _unknown(construct: str, runs: Sequence[RunMetrics]) -> Iterator[str]:
    """Says why agents may have received more than is shown."""
    unknown = [run for run in runs if not run.visibility.known]
    reasons = [f"{run.conversation}: {run.visibility.unknown_reason}" for run in unknown]
    if reasons := list(dict.fromkeys(reasons)):
        more = len(reasons) - _MOST_REASONS
        rest = f"; and {more} more" if more > 0 else ""
        yield f"{construct} may have received more: {'; '.join(reasons[:_MOST_REASONS])}{rest}"


def _cells(runs: Sequence[RunMetrics], agent: str, canaries: Sequence[str]) -> Iterator[Cell]:
    own = [run for run in runs if agent in run.visibility.agents]
    for column in _MESSAGES:
        yield _cell(own, agent, ("", column))
    for name in canaries:
        planted = [run for run in own if name in run.visibility.canaries]
        known = [run for run in planted if name not in run.visibility.unseen]
        if planted and not known:
            yield Cell("?", hint="never occurred in the log", mark="unknown")
        elif not planted:
            yield Cell("", hint="not planted where it ran")
        else:
            yield _cell(known, agent, ("canary", name))


def _column(exposure: Exposure) -> tuple[str, str]:
    """Names the column that shows an exposure: of messages, or of a canary."""
    if exposure.kind == "canary":
        return "canary", exposure.source
    if exposure.kind == "words":
        return "", "user's messages" if exposure.source == USER else "others' messages"
    return "", _COLUMN_OF[exposure.kind]


def _cell(runs: Sequence[RunMetrics], agent: str, column: tuple[str, str]) -> Cell:
    """Says in how many runs an agent received something, and whether it was meant for it."""

    def of_cell(exposures: Sequence[Exposure]) -> list[Exposure]:
        return [
            exposure
            for exposure in exposures
            if (exposure.agent, _column(exposure)) == (agent, column)
        ]

    def links(by_run: Sequence[Sequence[Exposure]]) -> list[str]:
        proofs = zip(runs, by_run, strict=True)
        return [link_to(run, record=each[0].record) for run, each in proofs if each][:1]

    by_run = [of_cell(run.visibility.sights) for run in runs]
    sources = dict.fromkeys(exposure.source for of_run in by_run for exposure in of_run)
    if not sources:
        is_known = all(run.visibility.known for run in runs)
        unknown = Cell("?", hint="not known", mark="unknown")
        return Cell("·", hint="not received") if is_known else unknown
    by = "" if column[0] or list(sources) == [USER] else f" (from {', '.join(sources)})"
    is_every = all(by_run)
    share = "every run" if is_every else f"{sum(map(bool, by_run))} of {len(runs)} runs"
    leaks = [of_cell(run.visibility.leaks) for run in runs]
    if any(leaks):
        hint = f"received in {share}{by}, and not meant for it"
        return Cell("▲", hint=hint, mark="leak", links=links(leaks))
    hint = f"received in {share}{by}"
    return Cell("●" if is_every else "○", hint=hint, mark="received", links=links(by_run))


class _Shared(NamedTuple):
    """State or an artifact that others than its writer received."""

    readers: dict[str, None]
    conversations: set[str]
    proof: Cell


def shared_state_table(comparison: Comparison) -> Table:
    """Lists state and artifacts that others than their writer received, once a construct."""
    names = ("construct", "what", "written by", "later read by", "conversations", "first proof")
    rows = [
        row
        for figures in comparison.constructs
        for row in _shared_rows(comparison, figures.construct)
    ]
    return Table(names[0], list(map(Column, names[1:])), rows, is_prose=True)


def _shared_rows(comparison: Comparison, construct: str) -> Iterator[TableRow]:
    shared: dict[tuple[str, str], _Shared] = {}
    for run in comparison.runs_of(construct):
        for crossing in run.visibility.crossings:
            words = f"{short_name(run.conversation)}, record {crossing.record}"
            proof = Cell(words, links=[link_to(run, record=crossing.record)])
            key = f"{crossing.kind} {crossing.key}", crossing.writer
            entry = shared.setdefault(key, _Shared({}, set(), proof))
            entry.readers.update(dict.fromkeys(crossing.reached))
            entry.conversations.add(run.conversation)
    for (what, writer), entry in shared.items():
        readers, conversations = ", ".join(entry.readers), str(len(entry.conversations))
        words = map(Cell, (what, writer, readers, conversations))
        yield TableRow(short_name(construct), [*words, entry.proof])
