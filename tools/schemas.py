"""Functions paired with the schemas that models are shown, which stand in a file of their own.

The file is a JSON list. An entry may be in the form of Claude, Gemini or OpenAI, so that schemas
written for one model serve another:

    {"name": …, "description": …, "input_schema": {"type": "object", …}}
    {"name": …, "description": …, "parameters": {"type": "OBJECT", …}}
    {"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}
"""

import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow.problem import Problem

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

Schema = dict[str, Any]


class SchemaError(Problem):
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
        entries = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemaError(f"{file}: cannot be read: {error.strerror or error}") from error
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
        entry = entry.get("function")
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise SchemaError(f"{place}: has no name; expected Claude's, Gemini's or OpenAI's form")
    shape = entry.get("input_schema", entry.get("parameters"))
    if not isinstance(shape, dict):
        raise SchemaError(f"{place}: {name}: has neither input_schema nor parameters")
    schema = _lowered(f"{place}: {name}", shape)
    if schema.get("type") != "object":
        raise SchemaError(f"{place}: {name}: type must be object, is {schema.get('type')!r}")
    described = str(entry.get("description") or "")
    return types.FunctionDeclaration(
        name=name, description=described, parameters_json_schema=schema
    )


def _lowered(place: str, schema: Schema) -> Schema:
    """Writes types as JSON schema does, at every depth; Gemini's are upper-case."""
    lowered = dict(schema)
    if (kind := schema.get("type")) is not None:
        kinds = [str(one).lower() for one in (kind if isinstance(kind, list) else [kind])]
        if unknown := next((one for one in kinds if one not in TYPES), ""):
            raise SchemaError(f"{place}: unknown type {unknown!r}; known are {', '.join(TYPES)}")
        lowered["type"] = kinds if isinstance(kind, list) else kinds[0]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            lowered[key] = _lowered(place, schema[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list):
            lowered[key] = [_lowered(place, one) for one in schema[key]]
    if isinstance(properties := schema.get("properties"), dict):
        lowered["properties"] = {
            name: _lowered(f"{place}: {name}", one) for name, one in properties.items()
        }
    return lowered


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
    for name in schema.get("properties", {}):
        if name not in taken:
            raise SchemaError(f"{place}: the function takes no parameter {name}")
    for name, parameter in taken.items():
        is_needed = parameter.default is inspect.Parameter.empty
        if is_needed and name not in schema.get("required", []):
            raise SchemaError(f"{place}: the function needs {name}, which must be required")
