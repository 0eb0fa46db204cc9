"""What a run shows of its construct, and why it may show nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from adk_flow._text import one_line, plural
from adk_flow.analysis.run_metrics import RunMetrics, shown_to_specialists

_LONGEST_REASON = 200

GapKind = Literal["cut", "failed", "unmet", "paused", "refused", "unasked", "lost", "glued"]

_NEXT_STEPS: dict[GapKind, str] = {
    "cut": "run it again",
    "failed": (
        "mend what fails; a state key that is missing can be given by the conversation (`state:`)"
    ),
    "unmet": "look at the answers and at what the conversation asks of them",
    "paused": "say in the conversation what the user answers (`answer:`)",
    "refused": (
        "state in the conversation who does what (`plan:`; `adk-flow plan` drafts it), or set a "
        "key and name a language model"
    ),
    "lost": "put where every construct keeps it what the callback adds, in a plugin of the app",
    "glued": "let an agent write the answer, or end each of those that are joined with a blank",
    "unasked": (
        "state in the conversation who does what (`plan:`; `adk-flow plan` drafts it), or ask "
        "what a specialist is for"
    ),
}


_DAMAGED: dict[str, GapKind] = {"lost_words": "lost", "glued_answers": "glued"}
"""Findings of answers that are not what they were meant to be."""


class Gap(msgspec.Struct, frozen=True):
    """Why a run is no evidence for its construct."""

    kind: GapKind
    reason: str


def find_gaps(runs: Sequence[RunMetrics]) -> list[Gap | None]:
    """Says of each run why it shows nothing of its construct; None if it does.

    A run whose answers were checked, and passed, shows what it is to show. Of another, somebody
    must have answered, no called agent failed, and some specialist been asked, if one was asked
    in the same conversation under any construct.
    """
    unasked = ("one agent", "not asked")
    reached = {run.conversation for run in runs if shown_to_specialists(run) not in unasked}
    return [next(_gaps(run, run.conversation in reached), None) for run in runs]


def _gaps(run: RunMetrics, needs_specialist: bool) -> Iterator[Gap]:
    if not run.turns or run.is_cut:
        yield Gap("cut", "its log stops before the end of a turn")
    if run.total.failed:
        yield Gap("failed", f"a turn failed: {_short(run.total.error)}")
    unmet = next(filter(None, run.failed_checks), [])
    is_shown = run.checked and not unmet
    failed = [move for move in run.moves if move.failed and move.kind == "return"]
    if failed and not is_shown:
        yield Gap("failed", f"{_short(failed[0].source)} failed: {_short(failed[0].text)}")
    if unmet:
        yield Gap("unmet", f"an answer lacks what was asked for: {_short(unmet[0])}")
    for finding in run.findings:
        if finding.kind in _DAMAGED:
            yield Gap(_DAMAGED[finding.kind], finding.text.rstrip("."))
    if is_shown:
        return
    if any(turn.waits_for for turn in run.turns[-1:]):
        yield Gap("paused", "it ended while it waited for the user")
    if run.offline and not all(map(_answers, (turn.answer for turn in run.turns))):
        yield Gap("refused", "the offline model refused, asked back or offered what it knows")
    if needs_specialist and shown_to_specialists(run) == "not asked":
        yield Gap("unasked", "no specialist was asked")


def _answers(text: str) -> bool:
    # Importing any model takes seconds (google-adk), which a comparison of other logs need not.
    from adk_flow.models.offline.wording import is_answer

    return is_answer(text)


def _short(text: str) -> str:
    # Where an object lay in memory tells nobody anything, and parts what is one reason.
    return one_line(re.sub(r" at 0x[0-9a-fA-F]+", "", text), _LONGEST_REASON) or "unknown"


def describe_gaps(runs: Sequence[RunMetrics]) -> str:
    """Says the commonest reasons why runs are no evidence, and what to do; empty if all are."""
    commonest = Counter(filter(None, find_gaps(runs))).most_common(2)
    if not commonest:
        return ""
    total = plural(len(runs), "run")
    reasons = [f"{gap.reason} ({count:,} of {total})" for gap, count in commonest]
    return f"Most often: {'; '.join(reasons)}. What to do: {_NEXT_STEPS[commonest[0][0].kind]}."


def describe_unasked() -> str:
    """Says that nobody asked a specialist anything, and what to do."""
    return f"no specialist was asked under any construct. What to do: {_NEXT_STEPS['unasked']}."
