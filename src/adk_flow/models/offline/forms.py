"""Fills an answer's shape: always valid against its schema, as full as the material allows."""

from collections.abc import Mapping
from typing import Any

from adk_flow.models.offline.fields import (
    Material,
    choice,
    cut,
    described,
    is_reply,
    measured,
    said,
    text,
)
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.mentions import names_an_entity
from adk_flow.models.offline.parts import split
from adk_flow.models.offline.routes import ROUTE_FLOOR
from adk_flow.models.request.schemas import Schema


def fill_form(schema: Schema, material: Material) -> Any:
    """Fills a shape; what nothing says gets the least value that is valid."""
    return _value("", schema, material)


def _value(name: str, schema: Schema, material: Material) -> Any:
    if schema.get("enum"):
        return choice(schema, material)
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    if kind == "object":
        return _object(schema, material)
    if kind == "array":
        return _array(name, schema, material)
    if kind == "null":
        return None
    if kind in ("number", "integer", "boolean"):
        return measured(name, schema, material)
    return text(name, schema, material)


def _object(schema: Schema, material: Material) -> dict[str, Any]:
    """Fills the required properties, and those of the others that something says."""
    required = schema.get("required") or []
    properties = {name: {} for name in required} | schema.get("properties", {})
    shares = _shares(properties, material)
    filled = {}
    for name, part in properties.items():
        if name not in required and _lists_words(part):
            continue
        value = shares[name] if name in shares else _value(name, part, material)
        if name in required or value not in (None, "", [], {}):
            filled[name] = value
    return filled


def _lists_words(schema: Schema) -> bool:
    """Tells whether it is a list of texts, which nothing in a question is surely meant for."""
    item = schema.get("items") or {}
    return schema.get("type") == "array" and item.get("type") == "string" and "enum" not in item


def _shares(properties: Mapping[str, Schema], material: Material) -> dict[str, str]:
    """Gives each part of the question to the property it is likest: a sub-goal to a child."""
    names = [name for name, part in properties.items() if _takes_a_share(name, part)]
    if len(names) < 2:
        return {}
    options = [described(name, properties[name], material) for name in names]
    shares = dict.fromkeys(names, "")
    for part in split(material.question):
        found = fit(part.text, options)
        if found.margin >= ROUTE_FLOOR:
            name = names[found.best]
            shares[name] = f"{shares[name]} {part.text}".strip()
    return {name: cut(share, properties[name], material) for name, share in shares.items()}


def _takes_a_share(name: str, schema: Schema) -> bool:
    is_text = schema.get("type") == "string" and not schema.get("enum")
    return is_text and not is_reply(name) and not names_an_entity(name)


def _array(name: str, schema: Schema, material: Material) -> list[Any]:
    item: Schema = schema.get("items") or {}
    values = _items(name, schema, item, material)
    least, most = schema.get("minItems") or 0, schema.get("maxItems")
    values += [_value(name, item, material)] * max(0, int(least) - len(values))
    return values[: int(most)] if most is not None else values


def _items(name: str, schema: Schema, item: Schema, material: Material) -> list[Any]:
    """Lists one choice or object a part of the question, or what the question lists."""
    parts = [part.text for part in split(material.question) if part.text]
    if item.get("enum"):
        picked = [choice(item, material._replace(question=part)) for part in parts]
        return list(dict.fromkeys(picked))
    if item.get("type") == "object":
        return [_value(name, item, material._replace(question=part)) for part in parts]
    values = said(name, schema, material) or []
    if item.get("type", "string") == "string":
        return [cut(one, item, material) for one in values or parts]
    return values
