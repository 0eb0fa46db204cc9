"""What a coordinator's turn came to, as its own code knows it and as the flow log shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from adk_flow.log.schema import Record

ASK = "ask_"
"""How the name begins of the node that asks a child; a child's branch in the log ends with it."""

_RUN_NUMBER = re.compile(r"@\d+")


class CoordinatorRun(msgspec.Struct, frozen=True, kw_only=True):
    """One goal that a coordinator shared out, and what came of it."""

    goal: str
    sub_goals: dict[str, str]
    """By child."""
    answers: dict[str, str]
    """Final answers by child; a child that failed has none."""
    answer: str
    parent_calls: int
    """Model calls that the lead answered: 2, and 1 more if its dispatch had to be repaired."""

    @property
    def missing(self) -> list[str]:
        """The children that gave no answer."""
        return [child for child in self.sub_goals if child not in self.answers]


def coordinator_runs(records: Iterable[Record], *path: str) -> list[CoordinatorRun]:
    """Reads the turns that a coordinator brought to an answer off a flow log.

    Args:
      records: of a log that kept its texts in full.
      path: for a coordinator that is a child, the names of the children down to it.
    """
    turns: dict[int, list[Record]] = {}
    for record in records:
        if record.hook == "user_message" and not record.parent:
            turns[record.run] = []
        if record.run in turns:
            turns[record.run].append(record)
    runs = (_run_below(turn, path) for turn in turns.values())
    return [run for run in runs if run is not None]


def _run_below(turn: Sequence[Record], path: Sequence[str]) -> CoordinatorRun | None:
    levels = _levels(turn)
    branch, run = "", _run(levels, "", turn[0].text)
    for child in path:
        branch = _branch_of(child, branch)
        run = _run(levels, branch, run.sub_goals.get(child, "")) if run else None
    return run


def _levels(turn: Iterable[Record]) -> dict[str, list[Record]]:
    """Sorts the records of agents by the branch that they ran on."""
    levels: dict[str, list[Record]] = {}
    branches: dict[int, str] = {}
    for record in turn:
        if record.hook == "before_agent":
            branches[record.activation] = _RUN_NUMBER.sub("", record.branch)
        branch = branches.get(record.activation, _RUN_NUMBER.sub("", record.branch))
        levels.setdefault(branch, []).append(record)
    return levels


def _run(levels: dict[str, list[Record]], branch: str, goal: str) -> CoordinatorRun | None:
    own = levels.get(branch, [])
    asked = [record.activation for record in own if record.request and record.request.schema]
    answered = [one for one in own if one.hook == "after_model" and not one.partial]
    dispatched = [record.text for record in answered if record.activation in asked]
    answer = _final(record for record in own if record.activation not in asked)
    sub_goals = _object(dispatched[-1]) if dispatched else {}
    if not sub_goals or not answer:
        return None
    finals = {child: _final(levels.get(_branch_of(child, branch), ())) for child in sub_goals}
    return CoordinatorRun(
        goal=goal,
        sub_goals=sub_goals,
        answers={child: final for child, final in finals.items() if final},
        answer=answer,
        parent_calls=len(answered),
    )


def _branch_of(child: str, branch: str) -> str:
    return f"{branch}.{ASK}{child}".lstrip(".")


def _final(records: Iterable[Record]) -> str:
    """Finds the last final words; a failure takes back what was said before it."""
    text = ""
    for record in records:
        if record.hook == "event" and (record.error or (record.final and record.size)):
            text = "" if record.error else record.text
    return text


def _object(text: str) -> dict[str, Any]:
    """Reads a JSON object that may stand in a code fence; what is none is empty."""
    try:
        return json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return {}
