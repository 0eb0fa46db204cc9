"""The situation of the agent that asks: who it is, whom it can reach, what it was sent."""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from google.adk.models.llm_request import LlmRequest
from google.genai import types

from adk_flow.models.request.functions import (
    CONSULT,
    FINISH,
    LOAD,
    RESOURCE,
    RESPOND,
    TRANSFER,
    Function,
    Option,
    declared_functions,
)
from adk_flow.models.request.schemas import Schema, answer_schema
from adk_flow.models.request.turns import RequestTurn, instructions, read_request_turns

LONGEST_NAME = 64
"""Characters of a skill's name (2.13, skills/models.py)."""

# How ADK 2.13 writes them: flows/llm_flows/prompt/_identity.py and extensions/_agent_transfer.py.
_NAME = re.compile(r'Your internal name is "(.*?)"\.')
_SELF = re.compile(r'The description about you is "(.*?)"\.(?=\s*\n\n|\s*\Z)', re.S)
_TARGET = re.compile(
    r"^Agent name: (?P<name>\S+)\nAgent description: ?(?P<description>.*?)"
    r"(?=\n\s*\n+Agent name: |\n\s*\n+If you are the best|\Z)",
    re.S | re.M,
)
_SKILL = re.compile(  # ADK 2.13, skills/prompt.py
    r"<skill>\s*<name>\s*(.*?)\s*</name>\s*<description>\s*(.*?)\s*</description>\s*</skill>", re.S
)
_PARENT = re.compile(r"transfer to your parent agent (\S+?)\.(?:\s|$)")


class _Identity(NamedTuple):
    name: str
    description: str
    described: tuple[Option, ...]
    parent: str


@dataclass(frozen=True)
class Situation:
    """Everything that a request says, in the terms of a decision."""

    name: str
    description: str
    instruction: str
    children: tuple[Option, ...]
    """Agents below it, which it may transfer to."""
    peers: tuple[Option, ...]
    parent: Option | None
    agents: tuple[Function, ...]
    """Functions behind which an agent stands."""
    tools: tuple[Function, ...]
    """All other functions."""
    skills: tuple[Option, ...]
    """What it may load."""
    loading: Function | None
    """Loads one of them."""
    ending: Function | None
    """Takes an answer in the shape of the agent's output schema, or ends an agent's task."""
    schema: Schema | None
    """The shape that the answer as text must have."""
    turns: tuple[RequestTurn, ...]
    is_delegate: bool
    """The question was passed on by whoever chose this agent: ADK tells a single_turn agent and a
    workflow's node no name of theirs."""

    @property
    def turn(self) -> RequestTurn:
        """The current turn."""
        return self.turns[-1]

    @property
    def reachable(self) -> tuple[Option, ...]:
        """Whom it may transfer to."""
        return (*self.children, *([self.parent] if self.parent else []), *self.peers)

    @property
    def visited(self) -> frozenset[str]:
        """The other agents that have had this turn: going back to one is going in a circle."""
        return frozenset(step.agent for step in self.turn.steps if step.agent) - {self.name}

    @property
    def is_leaf(self) -> bool:
        """Tells whether nobody stands below it who could answer instead."""
        return not (self.children or self.agents or self.loading)


def read_situation(request: LlmRequest) -> Situation:
    """Reads a request."""
    config = request.config
    label = (config.labels or {}).get("adk_agent_name", "")
    instruction = (
        f"{text_of(config.system_instruction)}\n\n{instructions(request.contents)}".strip()
    )
    identity = _identity(instruction)
    functions = {function.name: function for function in declared_functions(config)}
    reachable = _reachable(identity, functions.pop(TRANSFER, None))
    functions.pop(CONSULT, None)  # no model that decides alike every time needs a stronger one
    finish, respond = functions.pop(FINISH, None), functions.pop(RESPOND, None)
    loading, loaded = None, loaded_skills(request.contents)
    # Those that a toolset discloses eagerly.
    pairs = _SKILL.findall(instruction)
    skills = [Option(html.unescape(name), html.unescape(text)) for name, text in pairs]
    if skills:
        loading = functions.pop(LOAD, None)
        functions.pop(RESOURCE, None)
    names = [agent.name for agent in reachable]
    # ADK lists children, then the parent, then peers.
    place = names.index(identity.parent) if identity.parent in names else len(names)
    return Situation(
        name=identity.name or label,
        description=identity.description,
        instruction=instruction,
        children=reachable[:place],
        peers=reachable[place + 1 :],
        parent=reachable[place] if place < len(names) else None,
        agents=tuple(function for function in functions.values() if function.is_agent),
        tools=tuple(function for function in functions.values() if not function.is_agent),
        skills=tuple(skill for skill in skills if loading and skill.name not in loaded),
        loading=loading,
        ending=respond or finish,
        schema=answer_schema(config),
        turns=read_request_turns(request.contents),
        is_delegate=bool(label) and not identity.name,
    )


def text_of(instruction: Any) -> str:
    """Joins the text of a system instruction, which may be a text, parts or contents."""
    if instruction is None or isinstance(instruction, str):
        return instruction or ""
    if isinstance(instruction, types.Content):
        return text_of(instruction.parts)
    if isinstance(instruction, Sequence):
        return "\n\n".join(filter(None, map(text_of, instruction)))
    return getattr(instruction, "text", None) or ""


@lru_cache(maxsize=256)
def _identity(instruction: str) -> _Identity:
    name, description = _NAME.search(instruction), _SELF.search(instruction)
    parent = _PARENT.search(instruction)
    targets = _TARGET.finditer(instruction)
    return _Identity(
        name[1] if name else "",
        description[1] if description else "",
        tuple(Option(match["name"], match["description"].strip()) for match in targets),
        parent[1] if parent else "",
    )


def _reachable(identity: _Identity, transfer: Function | None) -> tuple[Option, ...]:
    """Returns the targets that the function allows and the instruction describes.

    ADK declares the function to single_turn and task agents as well, with their caller as the
    target, and leaves out the instruction: they are to answer, not to transfer.
    """
    if transfer is None:
        return ()
    allowed = {str(choice) for parameter in transfer.parameters for choice in parameter.choices}
    described = dict(identity.described).items()
    return tuple(
        Option(name, description)
        for name, description in described
        if name != identity.name and (name in allowed or not allowed)
    )


def skill_name(agent: str) -> str:
    """Makes an agent's name one of a skill: lowercase kebab-case; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", agent).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")


def loaded_skills(contents: Iterable[types.Content]) -> frozenset[str]:
    """Names the skills whose instructions a conversation holds."""
    parts = (part.function_response for content in contents for part in content.parts or ())
    given = (part.response or {} for part in parts if part and part.name == LOAD)
    return frozenset(response["skill_name"] for response in given if "instructions" in response)
