"""What each agent was shown, for the report: words, planted facts, state and artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adk_flow._data import group_by
from adk_flow.analysis.move import USER
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
    unseen = ((name, run) for run in comparison.runs for name in run.visibility.unseen)
    groups = group_by(unseen, lambda pair: (pair[0], pair[1].conversation))
    return [
        f"Nothing is known of the canary {name} in {conversation} under "
        f"{', '.join(dict.fromkeys(run.construct for _, run in group))}: it occurred nowhere in "
        "the log."
        for (name, conversation), group in groups.items()
    ]


def exposure_table(comparison: Comparison) -> Table:
    """Gives what each agent received, construct by construct, and of which canaries."""
    canaries = dict.fromkeys(name for run in comparison.runs for name in run.visibility.canaries)
    groups, notes = [], []
    for figures in comparison.constructs:
        construct, runs = short_name(figures.construct), comparison.runs_of(figures.construct)
        agents = dict.fromkeys(name for run in runs for name in run.visibility.agents)
        cells = [[Cell(short_name(agent)), *_cells(runs, agent, canaries)] for agent in agents]
        groups.append((construct, cells))
        notes += [f"{construct}: no model was called, so nothing is known"] * (not agents)
        notes += _unknown(construct, runs)
    names = ["agent", *_MESSAGES, *(f"canary: {short_name(name)}" for name in canaries)]
    return Table("construct", list(map(Column, names)), group_rows(groups), notes=notes)


def _unknown(construct: str, runs: Sequence[RunMetrics]) -> Iterator[str]:
    """Says why agents may have received more than is shown."""
    unknown = [run for run in runs if not run.visibility.known]
    reasons = [f"{run.conversation}: {run.visibility.unknown_reason}" for run in unknown]
    if reasons := list(dict.fromkeys(reasons)):
        more = len(reasons) - _MOST_REASONS
        rest = f"; and {more} more" if more > 0 else ""
        yield f"{construct} may have received more: {'; '.join(reasons[:_MOST_REASONS])}{rest}"


def _cells(runs: Sequence[RunMetrics], agent: str, canaries: Iterable[str]) -> Iterator[Cell]:
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


def _of_cell(exposures: Sequence[Exposure], agent: str, column: tuple[str, str]) -> list[Exposure]:
    return [each for each in exposures if (each.agent, _column(each)) == (agent, column)]


def _cell(runs: Sequence[RunMetrics], agent: str, column: tuple[str, str]) -> Cell:
    """Says in how many runs an agent received something, and whether it was meant for it."""
    by_run = [_of_cell(run.visibility.sights, agent, column) for run in runs]
    leaks = [_of_cell(run.visibility.leaks, agent, column) for run in runs]
    sources = dict.fromkeys(exposure.source for of_run in by_run for exposure in of_run)
    if not sources and all(run.visibility.known for run in runs):
        return Cell("·", hint="not received")
    if not sources:
        return Cell("?", hint="not known", mark="unknown")
    by = "" if column[0] or list(sources) == [USER] else f" (from {', '.join(sources)})"
    share = "every run" if all(by_run) else f"{sum(map(bool, by_run))} of {len(runs)} runs"
    proofs = zip(runs, leaks if any(leaks) else by_run, strict=True)
    links = [link_to(run, record=each[0].record) for run, each in proofs if each][:1]
    hint = f"received in {share}{by}"
    if any(leaks):
        return Cell("▲", hint=f"{hint}, and not meant for it", mark="leak", links=links)
    return Cell("●" if all(by_run) else "○", hint=hint, mark="received", links=links)


def shared_state_table(comparison: Comparison) -> Table:
    """Lists state and artifacts that others than their writer received, once a construct."""
    names = ("what", "written by", "later read by", "conversations", "first proof")
    rows = [
        TableRow(short_name(name), cells)
        for name in (figures.construct for figures in comparison.constructs)
        for cells in _shared(comparison.runs_of(name))
    ]
    return Table("construct", list(map(Column, names)), rows, is_prose=True)


def _shared(runs: Sequence[RunMetrics]) -> Iterator[list[Cell]]:
    crossings = ((run, crossing) for run in runs for crossing in run.visibility.crossings)
    groups = group_by(crossings, lambda pair: (pair[1].kind, pair[1].key, pair[1].writer))
    for (kind, key, writer), group in groups.items():
        readers = dict.fromkeys(name for _, crossing in group for name in crossing.reached)
        conversations = {run.conversation for run, _ in group}
        run, first = group[0]
        words = (f"{kind} {key}", writer, ", ".join(readers), str(len(conversations)))
        proof = f"{short_name(run.conversation)}, record {first.record}"
        yield [*map(Cell, words), Cell(proof, links=[link_to(run, record=first.record)])]
