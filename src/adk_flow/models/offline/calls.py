"""Decides which of an agent's own tools answers a question, if one does."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.amounts import SAME_UNIT
from adk_flow.models.offline.arguments import Filled, fill
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.parts import Part
from adk_flow.models.offline.words import readable, stems
from adk_flow.models.request.functions import Function, Parameter

TOOL_FLOOR = -0.1
"""The margin over everyday subjects below which a tool is not called."""
NAME_SHARE = 0.15
"""Weight of the tool's name standing in the question, beside likeness."""
KIN = 5
"""Letters that two stems must share from the start to be of one word."""
NUMBERS_SHARE = 0.4
"""Weight of a calculation in which all numbers of the question have their place."""
UNFINISHED = 0.8
"""What of that is left when the calculation needs more than the question says."""
LOOK_UP_SHARE = 0.1
"""Weight of a look-up where the question is how something works."""
NEIGHBOUR = 0.1
"""For the look-up declared next after a calculator: tools of one subject stand together."""

_HOW_IT_WORKS = re.compile(
    r"\b(?:why|should (?:i|we|my)|explain|difference between|worth (?:it|having)|pros and cons"
    r"|advantages?|meaning of|what (?:is|are|does|do) .*\bmean|tell me about"
    r"|is it (?:better|wise|possible|true)|how (?:do|does|did|is|are|can|to)\b)",
    re.I,
)
_WHAT_IS = re.compile(
    r"\bwhat(?:'s| is| are)\b"
    r"|\bhow (?:much|many|long) (?:is|are|was|does|do)\b(?! (?:i|we|my)\b)",
    re.I,
)
_HOW_MUCH = re.compile(
    r"\b(?:how (?:much|many|long|large|big|far)|what (?:would|will|could|might|does|do)\b"
    r"|calculate|work out|compute|estimate|cost|afford|grow to|come to)\b",
    re.I,
)


class Choice(NamedTuple):
    """A tool that answers a question, and what is still needed to call it."""

    function: Function
    arguments: dict[str, Any]
    missing: tuple[Parameter, ...]


def choose(part: Part, tools: Sequence[Function], is_own: bool) -> Choice | None:
    """Chooses the tool for a part of a question; None if none fits.

    Args:
        part: The part.
        tools: The agent's own tools.
        is_own: The question is known to be the agent's: then a look-up takes what fits no tool.
    """
    if not tools:
        return None
    filled = {tool.name: _fill(tool, part) for tool in tools}
    margins = _margins(part.text, part.text, tools)
    weights = {
        tool.name: margins[tool.name] + _numbers_in_place(filled[tool.name]) for tool in tools
    }
    best = max(tools, key=lambda tool: weights[tool.name])
    margin = margins[best.name]
    if not _may(best, filled[best.name], part.text, tools):
        best = _look_up_beside(best, part.text, tools)
    if margin < TOOL_FLOOR and not (is_own and _is_ready(filled[best.name], tools)):
        look_ups = [tool for tool in tools if tool.is_look_up] if is_own else []
        best = max(look_ups, key=lambda tool: margins[tool.name], default=None)
    if best is None:
        return None
    return Choice(best, filled[best.name].arguments, filled[best.name].missing)


def _is_ready(filled: Filled, tools: Sequence[Function]) -> bool:
    """Tells whether the question gives a tool its number, or an only tool all that it takes."""
    is_only = len(tools) == 1 and bool(filled.arguments) and not filled.missing
    return filled.used == 1 or is_only


def _look_up_beside(calculator: Function, text: str, tools: Sequence[Function]) -> Function:
    """Finds the look-up for a question about what a calculator calculates."""
    look_ups = [tool for tool in tools if tool.is_look_up]
    margins = _margins(f"{text} {calculator.description}", text, look_ups)
    following = [tool for tool in tools[tools.index(calculator) :] if tool.is_look_up]
    if following:
        margins[following[0].name] += NEIGHBOUR
    return max(look_ups, key=lambda tool: margins[tool.name])


def _margins(topic: str, text: str, tools: Sequence[Function]) -> dict[str, float]:
    """Returns what each tool has over everyday subjects, with what its name and kind add."""
    found = fit(topic, [tool.option for tool in tools])
    rivals = found.scores[found.best] - found.margin
    return {
        tool.name: score - rivals + _named_or_asked_for(tool, text)
        for tool, score in zip(tools, found.scores, strict=True)
    }


def _named_or_asked_for(tool: Function, text: str) -> float:
    name = stems(readable(tool.name))
    said = stems(text)
    named = sum(any(_akin(one, other) for other in said) for one in name)
    weight = NAME_SHARE * named / max(1, len(name))
    if tool.is_look_up and (_HOW_IT_WORKS.search(text) or _WHAT_IS.search(text)):
        weight += LOOK_UP_SHARE
    return weight


def _akin(one: str, other: str) -> bool:
    """Tells whether two stems are of one word: afford, and the afford in affordability."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= KIN and long.startswith(short))


def _numbers_in_place(filled: Filled) -> float:
    weight = NUMBERS_SHARE * filled.used * min(1.0, filled.suits / SAME_UNIT)
    return weight * UNFINISHED if filled.missing else weight


def _fill(tool: Function, part: Part) -> Filled:
    """Fills a tool's arguments from the part, and what it lacks from the question's statements."""
    filled = fill(tool, part.text)
    if not part.context or part.context in part.text:
        return filled
    beside = fill(tool, part.context).arguments
    wanted = [one for one in tool.parameters if one in filled.missing or one.kind == "boolean"]
    lacking = {one.name: beside[one.name] for one in wanted if one.name in beside}
    found = lacking | filled.arguments
    arguments = {one.name: found[one.name] for one in tool.parameters if one.name in found}
    missing = tuple(one for one in filled.missing if one.name not in found)
    return filled._replace(arguments=arguments, missing=missing)


def _may(tool: Function, filled: Filled, text: str, tools: Sequence[Function]) -> bool:
    """Tells whether a tool may answer a question of this kind, rather than a look-up."""
    if not tool.is_calculator or not any(other.is_look_up for other in tools):
        return True
    if _HOW_IT_WORKS.search(text):
        return False
    if not filled.missing:
        return True
    return bool(_HOW_MUCH.search(text)) and (filled.used > 0 or not _WHAT_IS.search(text))
