"""Values valid by a JSON schema, and what is wrong with a value by it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from adk_flow._text import one_line
from adk_flow.models.request.schemas import Schema

PLACEHOLDER = "–"
"""The text where a schema asks for any."""

_BY_FORMAT = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "a@example.org",
    "uri": "https://example.org",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
_TRIED = ("a", "A", "0", "1", "aa", "AA", "00", "AAA", "0000", *_BY_FORMAT.values())
"""Texts of which one may fit a pattern that the given one does not."""


def _or_null(keyword: str) -> Callable[..., Any]:
    """Makes a validator's check of a keyword that passes null where a schema is `nullable`."""
    check = Draft202012Validator.VALIDATORS[keyword]

    def checked(validator: Any, expected: Any, value: Any, schema: Schema) -> Any:
        is_null = value is None and schema.get("nullable")
        return () if is_null else check(validator, expected, value, schema)

    return checked


_Validator: Any = extend(
    Draft202012Validator, {name: _or_null(name) for name in ("type", "enum", "const")}
)


def value_of(schema: Schema, text: str = PLACEHOLDER, depth: int = 0) -> Any:
    """Makes a value that is valid by a schema, the same each time, with only what is required.

    A list has an item, so that what is done for each is done; not deep down, where a shape may
    hold itself.
    """
    if choices := schema.get("enum"):
        return next((choice for choice in choices if choice is not None), None)
    match schema.get("type"):
        case "object":
            return values_of(schema, text, depth + 1)
        case "array":
            least = 1 if schema.get("items") and depth < 3 else 0
            number = schema.get("minItems") or min(least, schema.get("maxItems", 1))
            return [value_of(schema.get("items") or {}, text, depth + 1)] * number
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _text(schema, text)


def values_of(schema: Schema, text: str = PLACEHOLDER, depth: int = 1) -> dict[str, Any]:
    """Makes valid values of the required properties of an object's schema."""
    parts, names = schema.get("properties") or {}, schema.get("required") or ()
    return {name: value_of(parts.get(name) or {}, text, depth) for name in names}


def fault_of_value(schema: Schema, value: Any) -> str:
    """Says what is wrong with a value by a schema; empty if nothing is."""
    if isinstance(value, Mapping) and (parts := schema.get("properties")):
        unknown = [name for name in value if name not in parts]
        if unknown and not schema.get("additionalProperties"):
            return f"there is no {unknown[0]!r}; there are {', '.join(parts)}"
    error = best_match(_Validator(schema).iter_errors(value))
    if error is None:
        return ""
    place = ".".join(str(step) for step in error.absolute_path)
    return one_line(f"{place}: {error.message}" if place else error.message, 200)


def _number(schema: Schema) -> int | float:
    step = schema.get("multipleOf") or 1
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    limits = [(limit, sign) for limit, sign in ((least, 1), (most, -1)) if limit is not None]
    tried = [1, 0, *(limit for limit, _ in limits)]
    for limit, sign in limits:
        tried += [limit + sign * step, limit + sign * step / 2]
        tried += [limit // step * step, -(-limit // step) * step]
    tried += [sum(limit for limit, _ in limits) / 2] if len(limits) == 2 else []
    return next((number for number in tried if not fault_of_value(schema, number)), 1)


def _text(schema: Schema, text: str) -> str:
    least = schema.get("minLength", 0)
    kept = _BY_FORMAT.get(schema.get("format", ""), text).ljust(least, PLACEHOLDER)
    kept = kept[: schema.get("maxLength")]
    try:
        pattern = re.compile(schema.get("pattern") or "")
    except re.error:
        return kept
    long = (tried for tried in _TRIED if len(tried) >= least)
    return next((tried for tried in (kept, *long) if pattern.search(tried)), kept)


def canonical(value: Any) -> str:
    """Writes a value so that equal ones are written alike."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def free_property(schema: Schema) -> str:
    """Names the first required property that takes any words; `*` for the value itself."""
    parts = schema.get("properties")
    if parts is None:
        return "*" if _takes_words(schema) else ""
    free = [name for name in schema.get("required") or () if _takes_words(parts.get(name, {}))]
    return next(iter(free), "")


def choices_of(schema: Schema) -> Sequence[Any]:
    """Lists the words of which a value, or each of a list's items, is one; empty for any."""
    choices = (schema.get("items") or schema).get("enum") or ()
    return [choice for choice in choices if isinstance(choice, str)]


def _takes_words(schema: Schema) -> bool:
    return schema.get("type", "string") == "string" and not {"enum", "format"} & schema.keys()
