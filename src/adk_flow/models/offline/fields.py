"""Fills one value of an answer's shape: a choice, a text, a number or a truth."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.amounts import is_allowed
from adk_flow.models.offline.arguments import fill
from adk_flow.models.offline.likeness import Option, fit
from adk_flow.models.offline.mentions import mentioned
from adk_flow.models.offline.routes import ROUTE_FLOOR
from adk_flow.models.offline.words import readable, stems, words
from adk_flow.models.request.functions import Function, Parameter
from adk_flow.models.request.schemas import Schema

_NOBODY = frozenset(
    words("none other others unknown unclear neither general fallback default unsure nobody")
)
_REPLY = frozenset(
    words("answer reply response result summary text message output explanation reason")
)
_UNNAMED = "value"


class Material(NamedTuple):
    """What an answer is filled from."""

    question: str
    answer: str
    """What the agent would say if no shape were asked for."""
    results: tuple[Any, ...] = ()
    """What its tools returned."""
    instruction: str = ""


def choice(schema: Schema, material: Material) -> Any:
    """Picks what the question names, else what it is likest, else what stands for none."""
    choices: Sequence[Any] = schema["enum"]
    real = [one for one in choices if not _NOBODY & set(words(readable(str(one))))]
    none = [one for one in choices if one not in real]
    named = mentioned(real, material.question)
    if len(named) == 1 or not real:
        return (named or none)[0]
    open_ = named or real
    found = fit(material.question, [described(str(one), {}, material) for one in open_])
    is_none = bool(none) and not named and found.margin < ROUTE_FLOOR
    return none[0] if is_none else open_[found.best]


def described(name: str, schema: Schema, material: Material) -> Option:
    """Returns what the schema, or else the instruction, says of a name."""
    return Option(name, schema.get("description") or _told_of(name, material.instruction))


def _told_of(name: str, instruction: str) -> str:
    """Finds what an instruction says of a name: "mortgage: repayments and rates"."""
    spelt = re.escape(name).replace("_", "[ _]")
    sign = r"(?:[:=–—-]|for|if|when|\n?Agent description:)"
    pattern = rf"(?<!\w){spelt}(?!\w)[`\"'*”)]*\s*{sign}\s*([^\n]+)"
    match = re.search(pattern, instruction, re.I)
    return match[1].strip() if match else ""


def is_reply(name: str) -> bool:
    """Tells whether a text is meant to be the answer itself."""
    return not name or bool(_REPLY & set(readable(name).split()))


def text(name: str, schema: Schema, material: Material) -> str:
    """Writes the answer, what a tool returned of that name, or what the question says of it."""
    returned = _returned(name, material.results)
    if is_reply(name):
        value = material.answer
    elif isinstance(returned, str):
        value = returned
    else:
        value = str(said(name, schema, material) or "")
    return cut(value, schema, material)


def cut(value: str, schema: Schema, material: Material) -> str:
    """Makes a text as long as its schema wants, and of its pattern if the question has such."""
    if (pattern := schema.get("pattern")) and not _matches(pattern, value):
        value = _matching(pattern, f"{value} {material.question}".strip()) or value
    least, most = schema.get("minLength") or 0, schema.get("maxLength")
    return value.ljust(int(least), "-")[: int(most) if most is not None else None]


def _matching(pattern: str, text: str) -> str:
    return next((one for one in [text, *text.split()] if _matches(pattern, one)), "")


def _matches(pattern: str, text: str) -> bool:
    try:
        return bool(re.search(pattern, text))
    except re.error:
        return False


def measured(name: str, schema: Schema, material: Material) -> Any:
    """Finds a number or truth that tools returned or the question gives, else the least valid."""
    returned = _returned(name, material.results)
    if _is_of_kind(returned, schema):
        return int(returned) if schema.get("type") == "integer" else returned
    value = said(name, schema, material)
    return _least(schema) if value is None else value


def _is_of_kind(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if not isinstance(value, int | float) or not is_allowed(value, schema):
        return False
    return kind == "number" or value == int(value)


def _returned(name: str, results: Sequence[Any]) -> Any:
    """Returns what a tool returned under the same name, or one of the same words."""
    wanted = stems(readable(name))
    for result in results:
        for key, value in result.items() if isinstance(result, dict) else ():
            if key == name or (wanted and stems(readable(str(key))) == wanted):
                return value
    return None


def said(name: str, schema: Schema, material: Material) -> Any:
    """Returns what the question says of a name, as an argument would be filled."""
    told = schema.get("description") or ""
    parameter = Parameter(name or _UNNAMED, told, schema, required=True)
    function = Function(parameter.name, "", (parameter,), is_agent=False, is_alone=False)
    value = fill(function, material.question).arguments.get(parameter.name)
    is_out = isinstance(value, (int, float)) and not is_allowed(value, parameter.schema)
    return None if is_out else value


def _least(schema: Schema) -> Any:
    """Returns the least that is valid where nothing is known: no invented figure."""
    if "default" in schema or schema.get("nullable"):
        return schema.get("default")
    if schema.get("type") == "boolean":
        return False
    step = schema.get("multipleOf") or (1 if schema.get("type") == "integer" else 0.01)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    low = schema.get("minimum", -math.inf) if above is None else above + step
    high = schema.get("maximum", math.inf) if below is None else below - step
    value = min(max(0, low), high)
    if schema.get("multipleOf"):
        value = math.ceil(value / step) * step
    return int(value) if value == int(value) else value
