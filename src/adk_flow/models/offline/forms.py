"""Fills an answer's shape: always valid against its schema, with no invented figure."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.mentions import choices_in
from adk_flow.models.offline.places import is_allowed
from adk_flow.models.offline.quantities import read
from adk_flow.models.offline.routes import ROUTE_FLOOR
from adk_flow.models.request.functions import Option
from adk_flow.models.request.schemas import Schema
from adk_flow.models.request.words import spell_out, split_words

_NOBODY = frozenset(
    split_words("none other others unknown unclear neither general fallback default")
)
_REPLY = frozenset(split_words("answer reply response result summary text message output reason"))
_BY_FORMAT = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z"}
_BY_FORMAT |= {"email": "a@example.org", "uri": "https://example.org", "uuid": f"{0:032x}"}
_KINDS: dict[Any, Any] = {"boolean": bool, "number": int | float, "integer": int, "string": str}


class Material(NamedTuple):
    """What an answer is filled from."""

    questions: tuple[str, ...] = ()
    """What is asked, each question openly with those that it goes on from."""
    answer: str = ""
    """What the agent would say if no shape were asked for."""
    results: tuple[Any, ...] = ()
    """What its tools returned."""
    instruction: str = ""


def placeholder(name: str, schema: Schema) -> Any:
    """Makes a valid value where nothing says one: the least there is, and a text that says so."""
    return schema["enum"][0] if schema.get("enum") else _value(name, schema, Material())


def fill_form(schema: Schema, material: Material) -> Any:
    """Fills a shape from what was asked and found; what neither says is a placeholder."""
    return _value("", schema, material)


def _value(name: str, schema: Schema, material: Material) -> Any:
    if schema.get("enum"):
        return _choice(schema, material)
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    if kind == "object":
        return _object(schema, material)
    if kind == "array":
        least, item = int(schema.get("minItems") or 0), schema.get("items") or {}
        return [_value(name, item, material)] * least
    returned = (one.get(name) for one in material.results if isinstance(one, dict))
    if (value := next((one for one in returned if _is_valid(one, schema)), None)) is not None:
        return value
    if kind == "string":
        return _text(name, schema, material)
    if kind == "null" or "default" in schema or schema.get("nullable"):
        return schema.get("default")
    return False if kind == "boolean" else _least(schema)


def _is_valid(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if not isinstance(value, _KINDS.get(kind, ())) or isinstance(value, bool) != (
        kind == "boolean"
    ):
        return False
    return kind in ("boolean", "string") or is_allowed(value, schema)


def _object(schema: Schema, material: Material) -> dict[str, Any]:
    """Fills the required properties, and those that the answer is meant for."""
    required = schema.get("required") or []
    properties = {name: {} for name in required} | schema.get("properties", {})
    shares = _shares(properties, material)
    return {
        name: shares[name] if name in shares else _value(name, part, material)
        for name, part in properties.items()
        if name in shares or name in required or _is_reply(name)
    }


def _is_reply(name: str) -> bool:
    return not name or bool(_REPLY & set(spell_out(name).split()))


def _text(name: str, schema: Schema, material: Material) -> str:
    """Writes the answer, or what says that it is none, of a valid length and pattern."""
    value = _BY_FORMAT.get(schema.get("format", ""), f"(placeholder: {spell_out(name)})")
    if _is_reply(name) and material.answer:
        value = material.answer
    pattern = schema.get("pattern") or ""
    if not _matches(pattern, value):
        said = " ".join(material.questions).split()
        value = next((one for one in said if _matches(pattern, one)), value)
    return _cut(value, schema)


def _cut(value: str, schema: Schema) -> str:
    least, most = schema.get("minLength") or 0, schema.get("maxLength")
    return value.ljust(int(least), "-")[: int(most) if most is not None else None]


def _matches(pattern: str, text: str) -> bool:
    try:
        return bool(re.search(pattern, text))
    except re.error:
        return False


def _shares(properties: Mapping[str, Schema], material: Material) -> dict[str, str]:
    """Gives each part of the question to the property it is likest: a sub-goal to a child."""
    names = [name for name, part in properties.items() if _is_sub_goal(name, part)]
    options = [_described(name, properties[name], material) for name in names]
    if len(names) < 2 or not material.questions or not all(one.description for one in options):
        return {}
    shares: dict[str, list[str]] = {name: [] for name in names}
    for part in material.questions:
        found = fit(part, options)
        if found.margin >= ROUTE_FLOOR:
            shares[names[found.best]].append(part)
    if not any(shares.values()):
        shares = {name: list(material.questions) for name in names}
    for name, parts in shares.items():
        is_valid = _matches(properties[name].get("pattern") or "", " ".join(parts))
        shares[name] = parts if is_valid else list(material.questions)
    return {name: _cut(" ".join(parts), properties[name]) for name, parts in shares.items()}


def _is_sub_goal(name: str, schema: Schema) -> bool:
    limits = ("enum", "format")
    return (
        schema.get("type") == "string" and not any(map(schema.get, limits)) and not _is_reply(name)
    )


def _choice(schema: Schema, material: Material) -> Any:
    """Picks what the question names, else what it is likest, else what stands for none."""
    choices: Sequence[Any] = schema["enum"]
    real = [one for one in choices if not _NOBODY & set(split_words(spell_out(str(one))))]
    none = [one for one in choices if one not in real]
    question = " ".join(material.questions)
    named = list(choices_in(real, read(question)))
    if len(named) == 1 or not real:
        return (named or none)[0]
    found = fit(question, [_described(str(one), {}, material) for one in named or real])
    is_none = bool(none) and not named and found.margin < ROUTE_FLOOR
    return none[0] if is_none else (named or real)[found.best]


def _described(name: str, schema: Schema, material: Material) -> Option:
    """Returns what the schema, or else the instruction, says of a name: "loans: repayments"."""
    spelt = re.escape(name).replace("_", "[ _]")
    sign = r"(?:[:=–—-]|for|if|when|\n?Agent description:)"
    pattern = rf"(?<!\w){spelt}(?!\w)[`\"'*”)]*\s*{sign}\s*([^\n]+)"
    match = re.search(pattern, material.instruction, re.I)
    return Option(name, schema.get("description") or (match[1].strip() if match else ""))


def _least(schema: Schema) -> int | float:
    step = schema.get("multipleOf") or (1 if schema.get("type") == "integer" else 0.01)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    low = schema.get("minimum", -math.inf) if above is None else above + step
    high = schema.get("maximum", math.inf) if below is None else below - step
    value = min(max(0, low), high)
    if schema.get("multipleOf"):
        value = math.ceil(value / step) * step
    return int(value) if value == int(value) else value
