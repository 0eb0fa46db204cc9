"""The questions and answers of a comparison, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison

_LONGEST = 20_000
"""Characters of an answer or a question that are shown."""


class Answer(NamedTuple):
    """An answer, and the constructs that gave it."""

    constructs: list[str]
    text: str
    failed: list[str]
    """What it lacks."""
    error: str


class AnsweredTurn(NamedTuple):
    """A turn of a conversation with its answers."""

    turn: int
    question: str
    answers: list[Answer]
    failures: int
    """Runs whose answer failed."""


def list_answers(comparison: Comparison, conversation: str) -> list[AnsweredTurn]:
    """Gives the answers to each turn of a conversation, the same words once."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    most = max((len(run.turns) for run in runs), default=0)
    return [_asked(runs, index) for index in range(most)]


def _asked(runs: Sequence[RunMetrics], index: int) -> AnsweredTurn:
    reached = [run for run in runs if index < len(run.turns)]
    constructs: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for run in reached:
        turn = run.turns[index]
        failed = tuple(run.failed_checks[index]) if index < len(run.failed_checks) else ()
        error = (turn.error or "failed") if turn.failed else ""
        name = f"{run.construct} (trial {run.trial})" if run.trial > 1 else run.construct
        constructs.setdefault((turn.answer, failed, error), []).append(name)
    answers = [
        Answer(names, _shortened(text), list(failed), _shortened(error))
        for (text, failed, error), names in constructs.items()
    ]
    failures = sum(len(one.constructs) for one in answers if one.failed or one.error)
    question = _shortened(reached[0].turns[index].question)
    return AnsweredTurn(index + 1, question, answers, failures)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
