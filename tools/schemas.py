"""Functions paired with the schemas that models are shown, which stand in a file of their own.

The file is a JSON list. An entry may be in the form of Claude, Gemini or OpenAI, so that schemas
written for one model serve another:

    {"name": …, "description": …, "input_schema": {"type": "object", …}}
    {"name": …, "description": …, "parameters": {"type": "OBJECT", …}}
    {"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}
    {"type": "function", "name": …, "description": …, "parameters": {…}}
"""

import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeVar

from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow import AdkFlowError

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

_ONE = (
    *("items", "additionalProperties", "additionalItems", "contains", "propertyNames", "not"),
    *("if", "then", "else", "unevaluatedItems", "unevaluatedProperties"),
)
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""Where a schema holds others: one, a list of them, or some by name."""

Schema = dict[str, Any]

_T = TypeVar("_T")
_KINDS: dict[type, str] = {dict: "an object", list: "a list"}


class SchemaError(AdkFlowError):
    """A file of schemas that does not fit the functions."""


class SchemaToolset(BaseToolset):
    """The functions as tools, each declared as the file says."""

    def __init__(self, functions: Iterable[Callable[..., Any]], file: str | Path) -> None:
        """Pairs each function with the schema of its name.

        Raises:
          SchemaError: the file cannot be read, an entry is in none of the forms, or a schema and a
            function do not fit each other; the text names it.
        """
        super().__init__()
        declared = _read(file)
        named = {function.__name__: function for function in functions}
        for name in (*named, *declared):
            if name not in declared:
                raise SchemaError(f"{file}: the function {name} has no schema")
            if name not in named:
                raise SchemaError(f"{file}: the schema {name} has no function")
            _check_parameters(f"{file}: {name}", declared[name], named[name])
        self._tools: list[BaseTool] = [
            _DeclaredTool(function, declared[name]) for name, function in named.items()
        ]

    async def get_tools(self, readonly_context: ReadonlyContext | None = None) -> list[BaseTool]:
        """Returns the tools, in the functions' order."""
        return list(self._tools)


class _DeclaredTool(FunctionTool):
    """A function that is declared by a schema rather than by its signature."""

    def __init__(self, function: Callable[..., Any], declared: types.FunctionDeclaration) -> None:
        super().__init__(function)
        self._declared = declared
        self.description = declared.description or self.description

    def _get_declaration(self) -> types.FunctionDeclaration:
        return self._declared.model_copy(deep=True)


def _read(file: str | Path) -> dict[str, types.FunctionDeclaration]:
    """Reads the declarations of a file by name."""
    try:
        entries = json.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SchemaError(f"{file}: cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise SchemaError(f"{file}: nested too deeply") from error
    except ValueError as error:
        raise SchemaError(f"{file}: no JSON: {error}") from error
    if not isinstance(entries, list):
        raise SchemaError(f"{file}: expected a list of schemas")
    declared: dict[str, types.FunctionDeclaration] = {}
    for number, entry in enumerate(entries, start=1):
        declaration = _declaration(f"{file}: entry {number}", entry)
        name = declaration.name or ""
        if name in declared:
            raise SchemaError(f"{file}: entry {number}: a second schema {name}")
        declared[name] = declaration
    return declared


def _declaration(place: str, entry: Any) -> types.FunctionDeclaration:
    if isinstance(entry, dict) and entry.get("type") == "function":
        entry = entry.get("function", entry)  # OpenAI's form, nested or flat
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise SchemaError(f"{place}: has no name; expected Claude's, Gemini's or OpenAI's form")
    shape = entry.get("input_schema", entry.get("parameters"))
    if not isinstance(shape, dict):
        raise SchemaError(f"{place}: {name}: has neither input_schema nor parameters")
    try:
        schema = _lowered(f"{place}: {name}", shape)
    except RecursionError as error:
        raise SchemaError(f"{place}: {name}: nested too deeply") from error
    if schema.get("type") != "object":
        raise SchemaError(f"{place}: {name}: type must be object, is {schema.get('type')!r}")
    described = str(entry.get("description") or "")
    return types.FunctionDeclaration(
        name=name, description=described, parameters_json_schema=schema
    )


def _lowered(place: str, schema: Schema) -> Schema:
    """Writes types as JSON schema does, at every depth; Gemini's are upper-case."""
    lowered = dict(schema)
    if "type" in schema:
        lowered["type"] = _types(place, schema["type"])
    for key in schema:
        held, below = schema[key], f"{place}: {key}"
        if key in _NAMED:
            named = _expected(dict, below, held)
            lead = place if key == "properties" else below
            lowered[key] = {name: _inner(f"{lead}: {name}", one) for name, one in named.items()}
        elif key in _LISTED or (key == "items" and isinstance(held, list)):
            lowered[key] = [_inner(below, one) for one in _expected(list, below, held)]
        elif key in _ONE:
            lowered[key] = _inner(below, held)
    required = _expected(list, f"{place}: required", schema.get("required", []))
    if wrong := [one for one in required if not isinstance(one, str)]:
        raise SchemaError(f"{place}: required: expected names, not {_json(wrong[0])}")
    return lowered


def _inner(place: str, schema: Any) -> Any:
    """Reads a schema within another, which may also be true or false."""
    if isinstance(schema, bool):
        return schema
    lowered = _lowered(place, _expected(dict, place, schema))
    if "properties" in lowered:
        _check_required(place, lowered, lowered["properties"])
    return lowered


def _types(place: str, kind: Any) -> Any:
    kinds = kind if isinstance(kind, list) else [kind]
    for one in kinds:
        if not isinstance(one, str) or one.lower() not in TYPES:
            known = one.lower() if isinstance(one, str) else one
            raise SchemaError(f"{place}: unknown type {known!r}; known are {', '.join(TYPES)}")
    lowered = [one.lower() for one in kinds]
    return lowered if isinstance(kind, list) else lowered[0]


def _expected(kind: type[_T], place: str, value: Any) -> _T:
    if not isinstance(value, kind):
        raise SchemaError(f"{place}: expected {_KINDS[kind]}, not {_json(value)}")
    return value


def _json(value: Any) -> str:
    """Writes a value as it stands in the file, cut to a line."""
    return shorten(json.dumps(value, ensure_ascii=False), 60, placeholder="…")


def _check_required(place: str, schema: Schema, properties: Schema) -> None:
    for name in schema.get("required", []):
        if name not in properties:
            raise SchemaError(f"{place}: required: {name} is none of the properties")


def _check_parameters(
    place: str, declared: types.FunctionDeclaration, function: Callable[..., Any]
) -> None:
    """Makes sure that whatever fits the schema can be passed to the function."""
    schema: Schema = declared.parameters_json_schema or {}
    taken = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "tool_context"
    }
    properties = schema.get("properties", {})
    for name in properties:
        if name not in taken:
            raise SchemaError(f"{place}: the function takes no parameter {name}")
    _check_required(place, schema, properties)
    for name, parameter in taken.items():
        is_needed = parameter.default is inspect.Parameter.empty
        if is_needed and name not in schema.get("required", []):
            raise SchemaError(f"{place}: the function needs {name}, which must be required")
