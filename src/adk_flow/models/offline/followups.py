"""Makes a follow-up whole: "And over 30 years?" with what was asked before."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from adk_flow.models.offline.parts import is_elliptical, is_question, refers_back, split
from adk_flow.models.offline.quantities import Quantity, quantities
from adk_flow.models.offline.wording import asked, labelled
from adk_flow.models.request.turns import Turn

FURTHEST = 6
"""Turns that are looked back over."""
LONGEST_ANSWER = 25
"""Words; a longer message is more than the answer to a question back."""

_FIGURE_BACK = re.compile(
    r"\b(?:that|this|the same) (?:much|amount|sum|figure|payment)"
    r" (?:a|per|each|every) (?P<per>month|year|week|day)\b",
    re.I,
)


class Whole(NamedTuple):
    """A question that needs no earlier turn to be understood."""

    question: str
    given: str = ""
    """What was answered to questions back, under their labels."""


def whole_question(turns: Sequence[Turn], fits: Callable[[str], bool]) -> Whole:
    """Returns the current question with what it leaves unsaid.

    Args:
        turns: The conversation, the current turn last.
        fits: Tells whether a text finds an answer here by itself.
    """
    text, earlier = turns[-1].text, turns[-FURTHEST:-1]
    if not earlier or not text:
        return Whole(text)
    if (labels := asked(earlier[-1].answer)) and _is_answer(text):
        before = whole_question(earlier, fits)
        return Whole(before.question, f"{before.given} {_answers(labels, text)}".strip())
    answered = _until_answered(earlier)
    text = _with_figure(text, answered[-1].answer)
    if not is_elliptical(text) and not (refers_back(text) and is_question(text)):
        return Whole(text)
    before = whole_question(answered, fits)
    if is_elliptical(text) and (exchanged := _exchanged(before, text)):
        return exchanged
    return Whole(text) if fits(text) else Whole(f"{before.question} {text}", before.given)


def _until_answered(turns: Sequence[Turn]) -> Sequence[Turn]:
    """Leaves out what came after the last turn with an answer: a "thanks" is not followed up."""
    for last in range(len(turns), 0, -1):
        if turns[last - 1].has_result or asked(turns[last - 1].answer):
            return turns[:last]
    return turns


def _with_figure(text: str, answer: str) -> str:
    """Writes out "that much every month", if the answer before holds one such figure."""
    match = _FIGURE_BACK.search(text)
    if match is None:
        return text
    told = [one for one in quantities(answer) if (one.unit, one.per) == ("money", match["per"])]
    if len({one.value for one in told}) != 1:
        return text
    written = answer[told[0].start : told[0].end]
    return f"{text[: match.start()]}{written}{text[match.end() :]}"


def _is_answer(text: str) -> bool:
    return len(text.split()) <= LONGEST_ANSWER and not is_question(text)


def _answers(labels: Sequence[str], text: str) -> str:
    """Writes the answers under the labels that were asked for."""
    if len(labels) == 1:
        return labelled(labels[0], text)
    given = quantities(text)
    if len(given) == len(labels):
        values = (text[one.start : one.end] for one in given)
        return " ".join(map(labelled, labels, values))
    return text


def _exchanged(before: Whole, text: str) -> Whole | None:
    """Puts the text's quantities in the place of those of their kind; None if one has no place."""
    new = quantities(text)
    question, given = _asked_part(before.question, new), before.given
    for quantity in new:
        written = text[quantity.start : quantity.end]
        if old := _alike(question, quantity):
            question = f"{question[: old.start]}{written}{question[old.end :]}"
        elif old := _alike(given, quantity):
            given = f"{given[: old.start]}{written}{given[old.end :]}"
        else:
            return None
    return Whole(question, given) if new else None


def _asked_part(question: str, new: Sequence[Quantity]) -> str:
    """Returns the last part of the question that has quantities of the new ones' kinds."""
    parts = [part.text for part in split(question)]
    having = [part for part in parts if all(_alike(part, quantity) for quantity in new)]
    return having[-1] if having else question


def _alike(text: str, quantity: Quantity) -> Quantity | None:
    """Finds the quantity of the same kind that is nearest in size."""
    kind = (quantity.unit, quantity.per)
    old = [one for one in quantities(text) if (one.unit, one.per) == kind]
    return min(old, key=lambda one: _apart(one.value, quantity.value), default=None)


def _apart(first: float, second: float) -> float:
    return abs(first - second) / (abs(first) + abs(second) or 1)
