"""What each agent was shown, for the report: words, planted facts, state and artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from adk_flow.analysis.moves import USER
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.visibility import Exposure
from adk_flow.comparison.aggregate import Comparison

COLUMNS = ("the user’s words", "others’ words", "its request", "answers", "tool results")


class Seen(NamedTuple):
    """What an agent was shown of one thing: `some` of the runs in which it could be."""

    sign: str
    told: str
    style: str


class AgentSights(NamedTuple):
    """What an agent was shown, by column."""

    agent: str
    seen: list[Seen]


class Matrix(NamedTuple):
    """What the agents of a construct were shown."""

    construct: str
    rows: list[AgentSights]
    unknown: list[str]
    """Why more may have been shown."""


class Crossed(NamedTuple):
    """State or an artifact that others than its writer had in view."""

    construct: str
    kind: str
    key: str
    writer: str
    reached: list[str]
    conversations: list[str]
    proof: str


def canaries(comparison: Comparison) -> list[str]:
    """Lists every canary that was planted."""
    return list(dict.fromkeys(name for run in comparison.runs for name in run.isolation.canaries))


def unseen_canaries(comparison: Comparison) -> list[str]:
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


def matrix(comparison: Comparison, construct: str, planted: Sequence[str]) -> Matrix:
    """Gives what each agent was shown in the runs of a construct."""
    runs = [run for run in comparison.runs if run.construct == construct]
    agents = dict.fromkeys(name for run in runs for name in run.isolation.agents)
    rows = [AgentSights(name, list(_row(runs, name, planted))) for name in agents]
    reasons = dict.fromkeys(
        f"{run.conversation}: {run.isolation.unknown_reason}"
        for run in runs
        if not run.isolation.known
    )
    return Matrix(construct, rows, list(reasons))


def _row(runs: Sequence[RunMetrics], agent: str, planted: Sequence[str]) -> Iterable[Seen]:
    mine = [run for run in runs if agent in run.isolation.agents]
    for column in COLUMNS:
        yield _seen(mine, agent, column, lambda sight, column=column: _column(sight) == column)
    for name in planted:
        with_it = [run for run in mine if name in run.isolation.canaries]
        known = [run for run in with_it if name not in run.isolation.unseen]
        if with_it and not known:
            yield Seen("?", "never occurred in the log", "unknown")
        elif not with_it:
            yield Seen("", "not planted where it ran", "absent")
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
) -> Seen:
    sights = [
        [one for one in run.isolation.sights if one.agent == agent and fits(one)] for run in runs
    ]
    leaked = any(one.agent == agent and fits(one) for run in runs for one in run.isolation.leaks)
    held = [found for found in sights if found]
    if not held:
        if all(run.isolation.known for run in runs):
            return Seen("·", "not shown", "none")
        return Seen("?", "not known", "unknown")
    sources = dict.fromkeys(one.source for found in held for one in found)
    by = "" if what in sources or list(sources) == [USER] else f" (of {', '.join(sources)})"
    share = "every run" if len(held) == len(runs) else f"{len(held)} of {len(runs)} runs"
    if leaked:
        return Seen("▲", f"shown in {share}{by}, and not for it", "leak")
    return Seen("●" if len(held) == len(runs) else "○", f"shown in {share}{by}", "shown")


def crossings(comparison: Comparison) -> list[Crossed]:
    """Lists what crossed, each once a construct."""
    found: dict[tuple[str, str, str, str], Crossed] = {}
    for run in comparison.runs:
        for one in run.isolation.crossings:
            key = run.construct, one.kind, one.key, one.writer
            if key not in found:
                proof = f"record {one.record} of {run.log}"
                found[key] = Crossed(*key, [], [], proof)
            for names, more in (
                (found[key].reached, one.reached),
                (found[key].conversations, [run.conversation]),
            ):
                names.extend(name for name in more if name not in names)
    order = [one.construct for one in comparison.constructs]
    return sorted(found.values(), key=lambda one: order.index(one.construct))
