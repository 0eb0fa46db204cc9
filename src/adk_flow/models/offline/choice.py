"""Chooses which of an agent's own tools answers a question, if one surely does."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.arguments import Filled, fill
from adk_flow.models.offline.forms import placeholder
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.questions import Question, has_topic
from adk_flow.models.offline.reading import read
from adk_flow.models.offline.wording import ask_for, refused
from adk_flow.models.request.functions import Function

_AMOUNT = re.compile(
    r"\bhow (?:much|many|long|large|big|far)\b(?! (?:is|are|was|were|does|do)\b(?! (?:i|we|my)\b))"
    r"|\bwhat (?:would|will|could|might)\b|\b(?:calculate|compute|estimate|work out)\b",
    re.I,
)


class FunctionChoice(NamedTuple):
    """A call that answers a question, or else what to say instead."""

    function: Function
    arguments: dict[str, Any]
    text: str = ""
    """A question back or a refusal: the call is not to be made."""
    carried: tuple[str, ...] = ()
    """Arguments that are those of the question before."""
    made_up: tuple[str, ...] = ()
    """Arguments that are placeholders."""


def choose(question: Question, tools: Sequence[Function], is_own: bool) -> FunctionChoice | None:
    """Chooses the tool for a question; None if none fits.

    One that takes numbers must surely get them all; a look-up takes what else is the agent's own.
    """
    filled = [_filled(tool, question) for tool in tools if tool.is_calculator]
    others = [tool for tool in tools if not tool.is_calculator]
    sure = sorted((choice for choice in filled if choice.is_sure), key=lambda one: -one.topic)
    if sure and (len(sure) == 1 or sure[0].topic > sure[1].topic):
        return FunctionChoice(sure[0].function, sure[0].arguments, carried=sure[0].carried)
    has_figures = bool(read(question.text).quantities)
    is_amount = bool(question.earlier or _AMOUNT.search(question.text))
    open_ = [one for one in filled if one.topic and not one.faults and (has_figures or is_amount)]
    near = [one for one in filled if one.topic and (is_amount or one.topic >= len(one.faults))]
    if open_ or (near and (has_figures or not others)):
        best = max(
            open_ or near,
            key=lambda one: (one.topic - len(one.faults), len(one.arguments), -len(one.missing)),
        )
        refusal = [refused(best.function.name, best.faults)] if best.faults else []
        return FunctionChoice(best.function, {}, " ".join([*refusal, *map(ask_for, best.missing)]))
    return _look_up(question, tools, others, is_own) if others else None


def called(tool: Function, question: Question) -> FunctionChoice:
    """Calls a tool with what the words say, and placeholders for what they do not."""
    filled = fill(tool, question.text, question.earlier)
    missing = [parameter for parameter in filled.missing if parameter.required]
    made_up = {one.name: placeholder(one.name, one.schema) for one in missing}
    return FunctionChoice(tool, filled.arguments | made_up, "", filled.carried, tuple(made_up))


def _filled(tool: Function, question: Question) -> Filled:
    """Fills a tool from the question alone, else with those that it goes on from."""
    alone = fill(tool, question.text)
    if alone.is_sure or not question.earlier:
        return alone
    whole = fill(tool, question.text, question.earlier)
    is_bare = not has_topic(question.text)
    return whole if is_bare or len(whole.faults) <= len(alone.faults) else alone


def _look_up(
    question: Question, tools: Sequence[Function], others: Sequence[Function], is_own: bool
) -> FunctionChoice | None:
    """Chooses a tool that gives no figure, if any of the tools is near enough to the question."""
    options, whole = [tool.option for tool in tools], (*question.earlier, question.text)
    alone = fit(question.text, options)
    ranking = alone if alone.is_near else fit(" ".join(whole), options)
    likest = max(others, key=lambda tool: ranking.scores[tools.index(tool)])
    is_near = ranking.is_near or (is_own and likest.is_look_up)
    return called(likest, question) if is_near else None
