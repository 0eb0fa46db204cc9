"""What each agent was shown, for the report: words, planted facts, state and artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.visibility import Exposure
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.tables import Cell, Column, Table, TableRow, short_name

_MESSAGES = ("user's messages", "others' messages", "its request", "answers", "tool results")


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


def exposure_table(comparison: Comparison) -> Table:
    """Gives what each agent received, construct by construct, and of which canaries."""
    canaries = list_canaries(comparison)
    rows, notes = [], []
    for figures in comparison.constructs:
        construct = short_name(figures.construct)
        runs = [run for run in comparison.runs if run.construct == figures.construct]
        agents = list(dict.fromkeys(name for run in runs for name in run.isolation.agents))
        for number, agent in enumerate(agents):
            cells = [Cell(short_name(agent)), *_cells(runs, agent, canaries)]
            rows.append(TableRow(construct, cells, span=0 if number else len(agents)))
        notes += [f"{construct}: no model was called, so nothing is known"] * (not agents)
        if reasons := _unknown_reasons(runs):
            more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
            notes.append(f"{construct} may have received more: {'; '.join(reasons[:3])}{more}")
    columns = [Column(name) for name in ("agent", *_MESSAGES)]
    columns += [Column(f"canary: {short_name(name)}") for name in canaries]
    return Table("construct", columns, rows, notes=notes)


def _unknown_reasons(runs: Sequence[RunMetrics]) -> list[str]:
    unknown = [run for run in runs if not run.isolation.known]
    return list(
        dict.fromkeys(f"{run.conversation}: {run.isolation.unknown_reason}" for run in unknown)
    )


def _cells(runs: Sequence[RunMetrics], agent: str, canaries: Sequence[str]) -> Iterable[Cell]:
    own = [run for run in runs if agent in run.isolation.agents]
    for column in _MESSAGES:
        yield _cell(own, agent, column, lambda one, column=column: _column(one) == column)
    for name in canaries:
        planted = [run for run in own if name in run.isolation.canaries]
        known = [run for run in planted if name not in run.isolation.unseen]
        if planted and not known:
            yield Cell("?", hint="never occurred in the log", mark="unknown")
        elif not planted:
            yield Cell("", hint="not planted where it ran")
        else:
            yield _cell(
                known,
                agent,
                name,
                lambda one, name=name: (one.kind, one.source) == ("canary", name),
            )


def _column(exposure: Exposure) -> str:
    user, others, request, answers, results = _MESSAGES
    if exposure.kind == "words":
        return user if exposure.source == USER else others
    return {"request": request, "answer": answers, "tool": results}.get(exposure.kind, "")


def _cell(
    runs: Sequence[RunMetrics], agent: str, what: str, fits: Callable[[Exposure], bool]
) -> Cell:
    """Says in how many runs an agent received something, and whether it was meant for it."""
    found = [
        [one for one in run.isolation.sights if one.agent == agent and fits(one)] for run in runs
    ]
    exposures = [one for of_run in found for one in of_run]
    if not exposures:
        is_known = all(run.isolation.known for run in runs)
        return (
            Cell("·", hint="not received")
            if is_known
            else Cell("?", hint="not known", mark="unknown")
        )
    sources = dict.fromkeys(one.source for one in exposures)
    by = "" if what in sources or list(sources) == [USER] else f" (from {', '.join(sources)})"
    is_every = all(found)
    share = "every run" if is_every else f"{sum(map(bool, found))} of {len(runs)} runs"
    if any(one.agent == agent and fits(one) for run in runs for one in run.isolation.leaks):
        return Cell("▲", hint=f"received in {share}{by}, and not meant for it", mark="leak")
    return Cell("●" if is_every else "○", hint=f"received in {share}{by}", mark="received")


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
        TableRow(short_name(construct), _shared_cells(f"{kind} {key}", writer, entry))
        for (construct, kind, key, writer), entry in sorted(
            shared.items(), key=lambda item: order.index(item[0][0])
        )
    ]
    return Table("construct", [Column(name) for name in names], rows, is_prose=True)


def _shared_cells(what: str, writer: str, entry: _Shared) -> list[Cell]:
    readers, conversations = ", ".join(entry.readers), str(len(entry.conversations))
    return [Cell(text) for text in (what, writer, readers, conversations, entry.proof)]
