"""Brings every way of declaring a shape to plain JSON schema."""

from collections.abc import Mapping
from types import UnionType
from typing import Any

from google.genai import types
from pydantic import TypeAdapter

Schema = dict[str, Any]

DEEPEST = 8
"""Levels that are followed; a schema may refer to itself."""

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES = ("minItems", "maxItems", "minLength", "maxLength")
_EXPECTED: dict[str, type | UnionType] = {
    "enum": list,
    "required": list,
    "properties": Mapping,
    "description": str,
    "pattern": str,
    **dict.fromkeys(_LIMITS, int | float),
    **dict.fromkeys(_SIZES, int),
}


def resolve_schema(declared: Any) -> Schema:
    """Returns a shape as JSON schema: references resolved, of several types the first non-null.

    Takes a Pydantic model, a Python type, a `types.Schema` or a JSON schema. A shape that says
    nothing, or that cannot be read, is `{}`. `nullable` tells whether null was allowed.
    """
    schema = _as_json(declared)
    definitions = schema.get("$defs") or schema.get("definitions") or schema.get("defs")
    return _resolved(schema, definitions if isinstance(definitions, dict) else {}, DEEPEST)


def answer_schema(config: types.GenerateContentConfig) -> Schema | None:
    """Returns the shape that an answer as text must have; None where it is free."""
    declared = config.response_json_schema or config.response_schema
    return resolve_schema(declared) if declared is not None else None


def _as_json(declared: Any) -> Schema:
    if isinstance(declared, Mapping):
        return dict(declared)
    if isinstance(declared, types.Schema):
        return declared.model_dump(mode="json", by_alias=True, exclude_none=True)
    try:
        return TypeAdapter(declared).json_schema()
    except Exception:  # whatever Pydantic cannot describe: it has a class for each reason
        return {}


def _resolved(schema: Any, definitions: Schema, depth: int) -> Schema:
    if not isinstance(schema, Mapping) or depth == 0:
        return {}
    flat = _flattened(dict(schema), definitions, depth)
    if isinstance(kind := flat.get("type"), list):
        flat["nullable"] = "null" in kind
        flat["type"] = next((name for name in kind if name != "null"), "null")
    if isinstance(flat.get("type"), str):
        flat["type"] = flat["type"].lower()
    return _with_parts(flat, definitions, depth)


def _flattened(schema: Schema, definitions: Schema, depth: int) -> Schema:
    """Puts what a schema refers to, or the first of its alternatives, in its place."""
    if isinstance(target := schema.pop("$ref", None) or schema.pop("ref", None), str):
        referred = definitions.get(target.rsplit("/", 1)[-1], {})
        return _resolved(referred, definitions, depth - 1) | schema
    for key in ("anyOf", "oneOf", "allOf"):
        alternatives = schema.pop(key, None)
        if not isinstance(alternatives, list):
            continue
        read = [_resolved(alternative, definitions, depth - 1) for alternative in alternatives]
        real = [shape for shape in read if shape.get("type") != "null"]
        if len(real) < len(read):
            schema["nullable"] = True
        for shape in real if key == "allOf" else real[:1]:
            schema = shape | schema
    return schema


def _with_parts(schema: Schema, definitions: Schema, depth: int) -> Schema:
    """Resolves what a schema is made of, and leaves out what JSON schema does not allow there."""
    for key in _SIZES:
        if isinstance(size := schema.get(key), str) and size.isdecimal():  # so types.Schema writes
            schema[key] = int(size)
    for key, kind in _EXPECTED.items():
        if key in schema and (not isinstance(schema[key], kind) or schema[key] is True):
            del schema[key]
    if isinstance(properties := schema.get("properties"), Mapping):
        schema["properties"] = {
            name: _resolved(part, definitions, depth - 1) for name, part in properties.items()
        }
        schema.setdefault("type", "object")
    if "items" in schema:
        schema["items"] = _resolved(schema["items"], definitions, depth - 1)
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    return schema
