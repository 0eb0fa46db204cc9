"""What the report's figures rest on: who was shown what, what crossed, findings, answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from adk_flow.compare import Comparison, MeasuredRun
from adk_flow.findings import KINDS, Finding
from adk_flow.isolation import Sight
from adk_flow.moves import USER

COLUMNS = ("the user’s words", "others’ words", "its request", "answers", "tool results")
_PROOFS = 3
"""Places of a finding that are shown."""

EXPLAINED = {
    "ping_pong": "Two agents handed the turn to and fro.",
    "dead_end": "An agent took the turn over and could hand it on to nobody.",
    "unexpected_holder": "The user’s next message goes to another agent than the one that answered.",
    "unclosed_frame": "An agent ran without ADK ever calling its after_agent callbacks.",
    "hidden_conversation": "Calls and tokens that were paid for and that ADK’s session does not show.",
    "needless_series": "Calls waited for each other though nothing forced them to.",
    "lost_state_write": "Agents side by side wrote the same state key, so one write is lost.",
    "hallucinated_name": "A model asked for an agent or a tool that does not exist.",
    "unrelayed_answer": "A called agent answered, and the user was not told.",
    "leak": "An agent was shown what is not for it.",
}


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


class Proof(NamedTuple):
    """Where a finding can be looked up."""

    conversation: str
    trial: int
    turn: int
    records: str
    log: str


class Found(NamedTuple):
    """A finding, with how often a construct had it."""

    construct: str
    text: str
    count: int
    proofs: list[Proof]


class FoundKind(NamedTuple):
    """All findings of a kind."""

    kind: str
    explained: str
    serious: bool
    count: int
    by_construct: list[tuple[str, int]]
    found: list[Found]


class Answer(NamedTuple):
    """An answer, and who gave it."""

    constructs: list[str]
    text: str
    failed: list[str]
    error: str


class Asked(NamedTuple):
    """A turn of a conversation with its answers."""

    turn: int
    question: str
    answers: list[Answer]
    failures: int
    """How many runs gave an answer that failed."""


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


def _row(runs: Sequence[MeasuredRun], agent: str, planted: Sequence[str]) -> Iterable[Seen]:
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


def _column(sight: Sight) -> str:
    if sight.kind == "words":
        return COLUMNS[0] if sight.source == USER else COLUMNS[1]
    return {"request": COLUMNS[2], "answer": COLUMNS[3], "tool": COLUMNS[4]}.get(sight.kind, "")


def _seen(runs: Sequence[MeasuredRun], agent: str, what: str, fits: object) -> Seen:
    assert callable(fits)
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


def found_kinds(comparison: Comparison) -> list[FoundKind]:
    """Groups findings by kind, serious kinds first, repeats told once."""
    groups: dict[str, list[tuple[MeasuredRun, Finding]]] = {}
    order = [one.construct for one in comparison.constructs]
    for run in sorted(comparison.runs, key=lambda run: order.index(run.construct)):
        for one in run.findings:
            groups.setdefault(one.kind, []).append((run, one))
    kinds = [_kind(kind, found) for kind, found in groups.items()]
    return sorted(
        kinds,
        key=lambda one: (
            not one.serious,
            KINDS.index(one.kind) if one.kind in KINDS else len(KINDS),
        ),
    )


def _kind(kind: str, found: Sequence[tuple[MeasuredRun, Finding]]) -> FoundKind:
    places: dict[tuple[str, str], list[Proof]] = {}
    for run, one in found:
        proof = Proof(run.conversation, run.trial, one.turn, _indices(one.records), run.log)
        places.setdefault((run.construct, one.text), []).append(proof)
    told = [Found(*key, len(proofs), proofs[:_PROOFS]) for key, proofs in places.items()]
    serious = any(one.level == "serious" for _, one in found)
    by_construct = Counter(run.construct for run, _ in found)
    explained = EXPLAINED.get(kind, "")
    return FoundKind(kind, explained, serious, len(found), list(by_construct.items()), told)


def _indices(records: Sequence[int], most: int = 12) -> str:
    told = ", ".join(map(str, records[:most])) + (", …" if len(records) > most else "")
    return f"record{'' if len(records) == 1 else 's'} {told}"


def answers(comparison: Comparison, conversation: str) -> list[Asked]:
    """Gives the answers to each turn of a conversation, the same words once."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    most = max((len(run.turns) for run in runs), default=0)
    return [_asked(runs, index) for index in range(most)]


def _asked(runs: Sequence[MeasuredRun], index: int) -> Asked:
    reached = [run for run in runs if index < len(run.turns)]
    given: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for run in reached:
        turn = run.turns[index]
        failed = tuple(run.failed_checks[index]) if index < len(run.failed_checks) else ()
        error = (turn.error or "failed") if turn.failed else ""
        name = f"{run.construct} (trial {run.trial})" if run.trial > 1 else run.construct
        given.setdefault((turn.answer, failed, error), []).append(name)
    told = [
        Answer(names, text, list(failed), error) for (text, failed, error), names in given.items()
    ]
    failures = sum(len(one.constructs) for one in told if one.failed or one.error)
    return Asked(index + 1, reached[0].turns[index].question, told, failures)
