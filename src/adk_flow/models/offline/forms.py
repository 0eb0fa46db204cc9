"""Fills an answer's shape: always valid against its schema, with no invented figure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.reading import choices_in, read
from adk_flow.models.request.functions import Option
from adk_flow.models.request.schemas import Schema
from adk_flow.models.request.values import fault_of_value, value_of
from adk_flow.models.request.words import spell_out, split_words

_NOBODY = frozenset(split_words("none other others unknown unclear neither general fallback"))
_REPLY = frozenset(split_words("answer reply response result summary text message output reason"))


class Material(NamedTuple):
    """What an answer is filled from."""

    questions: tuple[str, ...]
    """What is asked, each question openly with those that it goes on from."""
    answer: str
    """What the agent would say if no shape were asked for."""
    results: tuple[Any, ...]
    """What its tools returned."""
    instruction: str


def placeholder(name: str, schema: Schema) -> Any:
    """Makes a valid value where nothing says one; a text says that it is none."""
    return value_of(schema, f"(placeholder: {spell_out(name)})")


def fill_form(schema: Schema, material: Material, name: str = "") -> Any:
    """Fills a shape from what was asked and found; what neither says is a placeholder."""
    if schema.get("enum"):
        return _choice(schema, material)
    if "properties" in schema:
        return _object(schema, material)
    if schema.get("type") == "array":
        item = schema.get("items") or {}
        least = [fill_form(item, material, name)] * schema.get("minItems", 0)
        return (_choices(item, material) if item.get("enum") else []) or least
    is_text = schema.get("type", "string") == "string"
    values = [result.get(name) for result in material.results if isinstance(result, dict)]
    values += [material.answer] if is_text and _is_reply(name) else []
    values += [schema.get("default"), None, False, 0, placeholder(name, schema)]
    return next(value for value in values if _is_valid(value, schema) or value is values[-1])


def _is_valid(value: Any, schema: Schema) -> bool:
    return (value is None) <= bool(schema.get("nullable")) and not fault_of_value(schema, value)


def _is_reply(name: str) -> bool:
    """Tells whether a text is meant to be the answer itself."""
    return not name or bool(_REPLY & set(spell_out(name).split()))


def _object(schema: Schema, material: Material) -> dict[str, Any]:
    """Fills the required properties, and those that the answer is meant for."""
    required = schema.get("required") or []
    properties = {name: {} for name in required} | schema.get("properties", {})
    shares = _shares(properties, material)
    return {
        name: shares[name] if name in shares else fill_form(part, material, name)
        for name, part in properties.items()
        if name in shares or name in required or _is_reply(name)
    }


def _shares(properties: Mapping[str, Schema], material: Material) -> dict[str, str]:
    """Gives each part of the question to the property it is likest: a sub-goal to a child."""
    goals = {
        name: goal
        for name, goal in properties.items()
        if goal.get("type") == "string" and not {"enum", "format"} & goal.keys()
        if not _is_reply(name)
    }
    options = [_described(name, goal, material) for name, goal in goals.items()]
    if len(goals) < 2 or not all(option.description for option in options):
        return {}
    shares = dict.fromkeys(goals, "")
    for question in material.questions:
        ranking = fit(question, options)
        if ranking.is_near:
            name = options[ranking.best].name
            shares[name] = f"{shares[name]} {question}".strip()
    whole, is_placed = " ".join(material.questions), any(shares.values())
    return {
        name: share if is_placed and _is_valid(share, goals[name]) else whole
        for name, share in shares.items()
    }


def _choices(schema: Schema, material: Material) -> list[Any]:
    """Picks one for each question that any of them fits."""
    options = [_described(str(value), {}, material) for value in schema["enum"]]
    fitting = [question for question in material.questions if fit(question, options).is_near]
    chosen = (_choice(schema, material._replace(questions=(question,))) for question in fitting)
    return list(dict.fromkeys(chosen))


def _choice(schema: Schema, material: Material) -> Any:
    """Picks what the question names, else what it is likest, else what stands for none."""
    none = [value for value in schema["enum"] if _NOBODY & set(split_words(spell_out(str(value))))]
    real = [value for value in schema["enum"] if value not in none]
    question = " ".join(material.questions)
    named = list(choices_in(real, read(question)))
    if len(named) == 1 or not real:
        return (named or none)[0]
    ranking = fit(question, [_described(str(value), {}, material) for value in named or real])
    is_none = bool(none) and not named and not ranking.is_near
    return none[0] if is_none else (named or real)[ranking.best]


def _described(name: str, schema: Schema, material: Material) -> Option:
    """Returns what the schema, or else the instruction, says of a name: "loans: repayments"."""
    spelt = re.escape(name).replace("_", "[ _]")
    sign = r"(?:[:=–—-]|for|if|when|\n?Agent description:)"
    pattern = rf"(?<!\w){spelt}(?!\w)[`\"'*”)]*\s*{sign}\s*([^\n]+)"
    match = re.search(pattern, material.instruction, re.I)
    return Option(name, schema.get("description") or (match[1].strip() if match else ""))
