"""The questions and answers of a comparison, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.report_links import link_to

_LONGEST = 20_000
"""Characters of an answer or a question that are shown."""


_Answer = tuple[str, Sequence[str], str]
"""Its text, what it lacks, and the error that ended its turn."""


class AnsweredTurn(NamedTuple):
    """A turn of a conversation with its answers."""

    turn: int
    question: str
    answers: dict[_Answer, dict[str, str]]
    """The constructs that gave each, with the link to it."""
    failures: int
    """Runs whose answer failed."""


def list_answers(comparison: Comparison, conversation: str) -> list[AnsweredTurn]:
    """Gives the answers to each turn of a conversation, the same words once."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    most = max((len(run.turns) for run in runs), default=0)
    return [
        _answered([run for run in runs if index < len(run.turns)], index) for index in range(most)
    ]


def _answered(runs: Sequence[RunMetrics], index: int) -> AnsweredTurn:
    answers: dict[_Answer, dict[str, str]] = {}
    for run in runs:
        turn = run.turns[index]
        failed = tuple(run.failed_checks[index]) if index < len(run.failed_checks) else ()
        error = (turn.error or "failed") if turn.failed else ""
        trial = f" (trial {run.trial})" if run.trial > 1 else ""
        given = answers.setdefault((_shortened(turn.answer), failed, _shortened(error)), {})
        given[f"{run.construct}{trial}"] = link_to(run, index + 1)
    failures = sum(len(names) for (_, failed, error), names in answers.items() if failed or error)
    return AnsweredTurn(index + 1, _shortened(runs[0].turns[index].question), answers, failures)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
