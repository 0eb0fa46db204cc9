"""Fills a function's arguments from a text, and never with a number that the text does not give."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.amounts import assigned, converted, counts_alike, stated
from adk_flow.models.offline.mentions import chosen, entity, items, mentioned, truth
from adk_flow.models.offline.quantities import Quantity, quantities
from adk_flow.models.request.functions import Function, Parameter
from adk_flow.models.request.schemas import Schema


class Filled(NamedTuple):
    """A function's arguments as far as a text gives them."""

    arguments: dict[str, Any]
    missing: tuple[Parameter, ...]
    """The required parameters that the text says nothing of."""
    used: float
    """The share of the text's quantities that went into arguments; 0 if it has none."""
    suits: float
    """How well those quantities suit their parameters, on average; 3 is the right unit."""


def fill(function: Function, text: str) -> Filled:
    """Fills what the text gives of a function's parameters."""
    labelled, rest = _labelled(function.parameters, text)
    found = quantities(rest)
    numbers = [one for one in function.parameters if one.is_number and one.name not in labelled]
    taken = assigned(numbers, found)
    spent = [given.quantity for given in taken.values()]
    left = [quantity for quantity in found if quantity not in spent]
    arguments: dict[str, Any] = {}
    for parameter in function.parameters:
        if parameter.name in taken:
            value = stated(parameter, taken[parameter.name].quantity)
        else:
            value = _value(parameter, labelled.get(parameter.name), rest, left)
        if value is not None:
            arguments[parameter.name] = value
    missing = tuple(one for one in function.required if one.name not in arguments)
    used = len(taken) / len(found) if found else 0.0
    suits = sum(given.score for given in taken.values()) / len(taken) if taken else 0.0
    return Filled(arguments, missing, used, suits)


def _labelled(parameters: Sequence[Parameter], text: str) -> tuple[dict[str, str], str]:
    """Takes what is given under a label, like "The loan amount: £250,000", out of the text."""
    given: dict[str, str] = {}
    for parameter in parameters if ":" in text else ():
        for label in (parameter.label, parameter.name):
            sign = re.escape(label).replace("_", "[ _]")
            match = re.search(rf"(?:\bthe )?\b{sign}: ?(.+?)(?:\.(?=\s|$)|$)", text, re.I | re.M)
            if match:
                given[parameter.name] = match[1].strip()
                text = f"{text[: match.start()]} {text[match.end() :]}"
                break
    return given, text


def _value(parameter: Parameter, given: str | None, text: str, left: list[Quantity]) -> Any:
    """Finds a value for a parameter; None if nothing says one."""
    said = given if given is not None else text
    if parameter.choices:
        return chosen(parameter.choices, said)
    if parameter.kind in ("number", "integer"):
        return _first_number(parameter, given) if given is not None else None
    if parameter.kind == "boolean":
        return truth(parameter, said, is_answer=given is not None)
    if parameter.kind == "array":
        return _list(parameter, said, left)
    if parameter.kind == "object":
        return _object(parameter, said)
    if given is not None or parameter.is_free_text:
        return said.strip() or None
    return entity(parameter, text)


def _first_number(parameter: Parameter, given: str) -> float | int | None:
    fitting = (one for one in quantities(given) if counts_alike(parameter, one))
    values = (converted(parameter, quantity) for quantity in fitting)
    return next((value for value in values if value is not None), None)


def _list(parameter: Parameter, text: str, left: list[Quantity]) -> list[Any] | None:
    """Lists the numbers that nothing else took, or the things that the text lists."""
    schema: Schema = parameter.schema.get("items") or {}
    item = Parameter(parameter.name, parameter.description, schema, required=False)
    if item.is_number:
        values = [converted(item, quantity) for quantity in left]
        values = [value for value in values if value is not None]
    elif item.choices:
        values = mentioned(item.choices, text)
    elif item.kind == "string":
        values = [text.strip()] if item.is_free_text and text.strip() else items(text)
    else:
        values = []
    return values or None


def _object(parameter: Parameter, text: str) -> dict[str, Any] | None:
    """Fills an object's properties as a function's; None unless every required one is given."""
    required = parameter.schema.get("required") or []
    parts = tuple(
        Parameter(name, part.get("description", ""), part, name in required)
        for name, part in parameter.schema.get("properties", {}).items()
    )
    filled = fill(Function(parameter.name, "", parts, False, False), text)
    return None if filled.missing or not filled.arguments else filled.arguments
