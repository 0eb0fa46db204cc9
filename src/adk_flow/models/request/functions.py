"""The functions that a request declares, read into one shape."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.genai import types

from adk_flow.models.request.schemas import Schema, resolve_schema
from adk_flow.models.request.words import spell_out, split_words

TRANSFER = "transfer_to_agent"
FINISH = "finish_task"
RESPOND = "set_model_response"
CONSULT = "model_consult"
LOAD = "load_skill"
RESOURCE = "load_skill_resource"
CONFIRM = "adk_request_confirmation"

_SECTION = re.compile(
    r"^\s*(args|arguments|parameters|params|returns?|raises|yields|examples?|notes?)\s*:",
    re.I | re.M,
)
_ARGUMENT = re.compile(r"^\s*[*:]*(?:param\s+)?(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_DELEGATION = re.compile(
    r"\s*IMPORTANT: This tool delegates execution to a specialized agent.*", re.S
)
_FREE_TEXT = frozenset(
    split_words(
        "question questions query request text prompt message topic search input instruction "
        "instructions goal task content description details subject sentence passage keywords q"
    )
)


class Option(NamedTuple):
    """Something a question can go to."""

    name: str
    description: str


@dataclass(frozen=True)
class Parameter:
    """One argument that a function takes."""

    name: str
    description: str
    schema: Schema
    required: bool

    @property
    def kind(self) -> str:
        """Its JSON type; a parameter without one takes a string."""
        return self.schema.get("type") or ("object" if "properties" in self.schema else "string")

    @property
    def choices(self) -> list[Any]:
        """The values it is limited to, if it is."""
        return self.schema.get("enum") or []

    @property
    def is_number(self) -> bool:
        """Tells whether it takes a number."""
        return self.kind in ("number", "integer") and not self.choices

    @property
    def is_free_text(self) -> bool:
        """Tells whether it takes a question in the user's own words."""
        last_word = spell_out(self.name).split()[-1:]
        return self.kind == "string" and not self.choices and bool(_FREE_TEXT & set(last_word))


@dataclass(frozen=True)
class Function:
    """A function that the model may call."""

    name: str
    description: str
    """What it does, in its first paragraph."""
    texts: str
    """All that it says of itself before it comes to arguments and notes."""
    parameters: tuple[Parameter, ...]
    is_agent: bool
    """An agent stands behind it."""
    is_alone: bool
    """It must not be called beside another: ADK's task agents."""

    @property
    def option(self) -> Option:
        """The function as something a question can go to."""
        return Option(self.name, self.description)

    @property
    def required(self) -> tuple[Parameter, ...]:
        """The parameters it cannot be called without."""
        return tuple(parameter for parameter in self.parameters if parameter.required)

    @property
    def is_look_up(self) -> bool:
        """Tells whether it takes a question and needs nothing else."""
        return bool(self.required) and all(parameter.is_free_text for parameter in self.required)

    @property
    def is_calculator(self) -> bool:
        """Tells whether it takes a number: what it gives may be a figure."""
        items = ((parameter.schema.get("items") or {}).get("type") for parameter in self.parameters)
        return any(parameter.is_number for parameter in self.parameters) or "number" in items


def declared_functions(config: types.GenerateContentConfig) -> tuple[Function, ...]:
    """Reads the functions that a request declares, in their order."""
    return tuple(_function(declaration) for declaration in declarations(config) if declaration.name)


def declarations(config: types.GenerateContentConfig) -> list[types.FunctionDeclaration]:
    """Returns the function declarations of all tools."""
    tools: Sequence[Any] = config.tools or []
    return [
        declaration
        for tool in tools
        if isinstance(tool, types.Tool)
        for declaration in tool.function_declarations or []
    ]


def _function(declaration: types.FunctionDeclaration) -> Function:
    text = declaration.description or ""
    schema = resolve_schema(declaration.parameters_json_schema or declaration.parameters or {})
    notes, required = _argument_notes(text), schema.get("required") or []
    parameters = tuple(
        Parameter(name, part.get("description") or notes.get(name, ""), part, name in required)
        for name, part in schema.get("properties", {}).items()
    )
    is_alone = bool(_DELEGATION.search(text))
    is_agent = is_alone or [(arg.name, arg.kind) for arg in parameters] == [("request", "string")]
    texts = _SECTION.split(_DELEGATION.sub("", text), maxsplit=1)[0].strip()
    description = " ".join(texts.split("\n\n")[0].split())
    return Function(declaration.name or "", description, texts, parameters, is_agent, is_alone)


def _argument_notes(description: str) -> dict[str, str]:
    """Reads what a docstring says of each argument; ADK sends it inside the description."""
    notes: dict[str, str] = {}
    name = ""
    for line in description.splitlines():
        if match := _ARGUMENT.match(line):
            name, notes[match[1]] = match[1], match[2].strip()
        elif not line.strip():
            name = ""
        elif name:
            notes[name] += " " + line.strip()
    return notes
