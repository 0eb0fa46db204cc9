"""Functions paired with the schemas that models are shown, which stand in a JSON file.

An entry is in the form of Claude, Gemini or OpenAI, so that schemas written for one serve another:

    {"name": …, "description": …, "input_schema": {"type": "object", …}}
    {"name": …, "description": …, "parameters": {"type": "OBJECT", …}}
    {"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}
"""

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow import AdkFlowError


class DeclaredTool(FunctionTool):
    """A function that is declared by a schema rather than by its signature."""

    declared: types.FunctionDeclaration

    def _get_declaration(self) -> types.FunctionDeclaration:
        return self.declared.model_copy(deep=True)


def declared_tools(functions: Sequence[Callable[..., Any]], file: Path) -> list[DeclaredTool]:
    """Pairs each function with the schema of its name; AdkFlowError where they do not fit."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        schemas = {schema.name: schema for schema in map(_declaration, entries)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        cause = " ".join(repr(error).split())
        raise AdkFlowError(f"{file}: no schemas of Claude, Gemini or OpenAI: {cause}") from error
    names = [function.__name__ for function in functions]
    if {*schemas} != {*names}:
        raise AdkFlowError(f"{file}: has {', '.join(map(str, schemas))}, not {', '.join(names)}")
    return [_tool(function, schemas[function.__name__], file) for function in functions]


def _declaration(entry: dict[str, Any]) -> types.FunctionDeclaration:
    entry = entry.get("function", entry)
    shape = entry.get("input_schema") or entry["parameters"]
    if shape["type"].isupper():  # Gemini's
        plain = types.Schema.model_validate(shape).json_schema
        shape = plain.model_dump(mode="json", exclude_none=True)
    return types.FunctionDeclaration(
        name=entry["name"], description=entry["description"], parameters_json_schema=shape
    )


def _tool(
    function: Callable[..., Any], declared: types.FunctionDeclaration, file: Path
) -> DeclaredTool:
    shape: Any = declared.parameters_json_schema
    taken = [*inspect.signature(function).parameters]
    if {*shape["properties"]} != {*taken} or {*shape["required"]} != {*taken}:
        raise AdkFlowError(f"{file}: {declared.name}: its parameters are {', '.join(taken)}")
    tool = DeclaredTool(function)
    tool.declared, tool.description = declared, declared.description or ""
    return tool
