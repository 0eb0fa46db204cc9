"""What the report's figures rest on: findings with their proofs, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from adk_flow.analysis.findings import KINDS, Finding
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison

_PROOFS, _MOST_FOUND = 3, 20
"""How much is shown: places of a finding, findings of a kind under a construct."""
_LONGEST = 20_000
"""Characters of an answer or a question that are shown."""

EXPLAINED = {
    "ping_pong": "Two agents handed the turn to and fro.",
    "dead_end": "An agent took the turn over and could hand it on to nobody.",
    "unexpected_holder": "The user’s next message goes to another agent than the one who answered.",
    "unclosed_frame": "An agent ran without ADK ever calling its after_agent callbacks.",
    "hidden_conversation": "Calls and tokens were paid for that ADK’s session does not show.",
    "needless_series": "Calls waited for each other though nothing forced them to.",
    "lost_state_write": "Agents side by side wrote the same state key, so one write is lost.",
    "hallucinated_name": "A model asked for an agent or a tool that does not exist.",
    "unrelayed_answer": "A called agent answered, and the user was not told.",
    "leak": "An agent was shown what is not for it.",
}


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
    times: int
    proofs: list[Proof]


class FoundKind(NamedTuple):
    """The findings of a kind."""

    kind: str
    explained: str
    serious: bool
    times: int
    by_construct: list[tuple[str, int]]
    found: list[Found]
    left_out: int
    """Findings that are not listed."""


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


def found_kinds(comparison: Comparison) -> list[FoundKind]:
    """Groups findings by kind, serious kinds first, repeats told once."""
    groups: dict[str, list[tuple[RunMetrics, Finding]]] = {}
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


def _kind(kind: str, found: Sequence[tuple[RunMetrics, Finding]]) -> FoundKind:
    places: dict[tuple[str, str], list[Proof]] = {}
    for run, one in found:
        proof = Proof(run.conversation, run.trial, one.turn, _indices(one.records), run.log)
        places.setdefault((run.construct, one.text), []).append(proof)
    told: dict[str, list[Found]] = {}
    for (construct, text), proofs in places.items():
        mine = told.setdefault(construct, [])
        mine.append(Found(construct, text, len(proofs), proofs[:_PROOFS]))
    listed = [one for mine in told.values() for one in mine[:_MOST_FOUND]]
    serious = any(one.level == "serious" for _, one in found)
    return FoundKind(
        kind,
        explained=EXPLAINED.get(kind, ""),
        serious=serious,
        times=len(found),
        by_construct=list(Counter(run.construct for run, _ in found).items()),
        found=listed,
        left_out=len(found) - sum(one.times for one in listed),
    )


def _indices(records: Sequence[int], most: int = 12) -> str:
    told = ", ".join(map(str, records[:most])) + (", …" if len(records) > most else "")
    return f"record{'' if len(records) == 1 else 's'} {told}"


def answers(comparison: Comparison, conversation: str) -> list[Asked]:
    """Gives the answers to each turn of a conversation, the same words once."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    most = max((len(run.turns) for run in runs), default=0)
    return [_asked(runs, index) for index in range(most)]


def _asked(runs: Sequence[RunMetrics], index: int) -> Asked:
    reached = [run for run in runs if index < len(run.turns)]
    given: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for run in reached:
        turn = run.turns[index]
        failed = tuple(run.failed_checks[index]) if index < len(run.failed_checks) else ()
        error = (turn.error or "failed") if turn.failed else ""
        name = f"{run.construct} (trial {run.trial})" if run.trial > 1 else run.construct
        given.setdefault((turn.answer, failed, error), []).append(name)
    told = [
        Answer(names, _shortened(text), list(failed), _shortened(error))
        for (text, failed, error), names in given.items()
    ]
    failures = sum(len(one.constructs) for one in told if one.failed or one.error)
    question = _shortened(reached[0].turns[index].question)
    return Asked(index + 1, question, told, failures)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
