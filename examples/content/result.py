"""A finished piece: how it was made, whether it was approved, and as the reader gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adk_flow.errors import AdkFlowError
from callbacks.guidance_notice import NOTICE
from tools import piece
from tools.figures import unknown_figures
from tools.sources import Found
from tools.style import count_words

RESULT = "piece"
"""Where a turn's piece stands in session state."""


class ContentError(AdkFlowError):
    """A piece that could not be written."""


def heading_of(came: Mapping[str, Any], passages: Sequence[Found]) -> dict[str, str]:
    """Takes a title and summary whose figures the research bears out, or says why there is none."""
    if "failed" in came:
        return {"failed": came["failed"]}
    heading = came["answer"]
    if unknown := unknown_figures(f"{heading['title']} {heading['summary']}", passages):
        return {"failed": f"{unknown[0]} in its heading stands nowhere in the research"}
    if len(heading["title"]) > piece.LONGEST_TITLE:
        return {"failed": f"its title is longer than {piece.LONGEST_TITLE} characters"}
    return heading


def piece_of(
    state: Mapping[str, Any],
    researchers: Sequence[str],
    reviewers: Sequence[str],
    heading: Mapping[str, str],
) -> dict[str, Any]:
    """Gathers what the stages left in state."""
    number = state[piece.ROUND]
    found = {name: state[piece.research_key(name)] for name in researchers}
    rounds = [
        {name: state[piece.review_key(one, name)] for name in reviewers}
        for one in range(1, number + 1)
    ]
    return {
        "topic": state[piece.TOPIC],
        "missing": {name: one["failed"] for name, one in found.items() if "failed" in one},
        "drafts": [state[piece.draft_key(one)] for one in range(1, number + 1)],
        "reviews": rounds,
        "approved": all(verdict["approved"] for verdict in rounds[-1].values()),
        "heading": dict(heading),
    }


def told(made: Mapping[str, Any]) -> str:
    """Writes the piece for its reader: heading, text, and how far it can be relied upon."""
    heading, draft = made["heading"], made["drafts"][-1]
    above = [f"# {heading['title']}", heading["summary"]] if "failed" not in heading else []
    return "\n\n".join([*above, draft, "\n".join(_imprint(made)), NOTICE])


def _imprint(made: Mapping[str, Any]) -> list[str]:
    rounds, last = len(made["drafts"]), made["reviews"][-1]
    drafts = "1 draft" if rounds == 1 else f"{rounds} drafts"
    length = f"{count_words(made['drafts'][-1])} words, {drafts}."
    if made["approved"]:
        lines = [f"{length} Approved by {' and '.join(last)}."]
    else:
        lines = [f"{length} Not approved:", *_objections(last)]
    lines += [f"{name} gave nothing: {reason}" for name, reason in made["missing"].items()]
    if reason := made["heading"].get("failed"):
        lines.append(f"Without a heading: {reason}")
    return lines


def _objections(verdicts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"- {name}: {one['remarks'] or one['failed'] or 'it gave no reason.'}"
        for name, one in verdicts.items()
        if not one["approved"]
    ]
