"""A conversation to hold with an app: a YAML file of turns and of what must come back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec.structs import replace

from adk_flow.errors import AdkFlowError
from adk_flow.scenario.plan import Task, find_faults
from adk_flow.scenario.yaml_file import read_document

ALONE = frozenset({"single_agent", "advisor", "skills", "best_of_n"})
"""The constructs in which the lead does the specialists' work itself."""

LEADLESS = frozenset({"classifier_router", "sequential", "parallel", "loop"})
"""Those whose graph, named after them, has no lead."""

_NUMBER = re.compile(r"(?<![\w.,])-?\d[\d,]*(?:\.\d+)?")


class Near(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A number that an answer must hold."""

    value: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
    tolerance: Annotated[float, msgspec.Meta(ge=0, le=1e15)] = 0.005


class AskedTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One user message, and what its answer must hold."""

    say: str = ""
    answer: Any = msgspec.UNSET
    """What answers a pause: a confirmation, a call's result, input, a credential; unset, the words
    do."""
    specialist: str | list[str] = ""
    """Agent or agents that ought to do the work, called or handed over to."""
    contains: list[str] = []
    """Words that the answer must hold, in any case."""
    absent: list[str] = []
    """Words that it must not hold."""
    numbers: list[Near] = []
    plan: list[Task] | None = None
    """The tasks that answer it; none of them where nobody does anything, None where it is open."""

    @property
    def is_answer(self) -> bool:
        """Whether it says what a pause is answered with."""
        return self.answer is not msgspec.UNSET

    @property
    def specialists(self) -> list[str]:
        """The agents that ought to do the work; none where anybody may."""
        named = [self.specialist] if isinstance(self.specialist, str) else self.specialist
        return [name for name in named if name]


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fact whose whereabouts are traced."""

    text: str
    only: list[str] = []
    """Agents that may be shown it; empty where anybody may."""


class Conversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Turns in order."""

    turns: list[AskedTurn]
    about: str = ""
    canaries: dict[str, str | Canary] = {}
    """Facts known to one agent or tool only, by name, whose whereabouts are traced."""
    state: dict[str, Any] = {}
    """What the session's state holds when it begins."""
    artifacts: dict[str, str] = {}
    """Texts of the artifacts that it then has, by name."""

    @property
    def is_checked(self) -> bool:
        """Whether anything is asked of the answers."""
        return any(
            turn.contains or turn.absent or turn.numbers or turn.specialists for turn in self.turns
        )

    def under(self, construct: str) -> Conversation:
        """Leaves out who ought to do the work, for a construct in which only the lead does."""
        if construct not in ALONE:
            return self
        turns = [replace(turn, specialist="") for turn in self.turns]
        return replace(self, turns=turns)

    @property
    def has_plan(self) -> bool:
        """Whether a plan answers one of its turns."""
        return any(turn.plan is not None for turn in self.turns)

    @property
    def planted(self) -> dict[str, Canary]:
        """The canaries by name."""
        return {
            name: Canary(canary) if isinstance(canary, str) else canary
            for name, canary in self.canaries.items()
        }


def of_questions(questions: list[str]) -> Conversation:
    """Makes a conversation of plain messages.

    Raises:
      AdkFlowError: one of them is empty.
    """
    for number, question in enumerate(questions, start=1):
        if not question.strip():
            raise AdkFlowError(f"question {number} is empty; expected what to ask")
    return Conversation(turns=[AskedTurn(say=question) for question in questions])


def read_conversation(path: str | Path) -> Conversation:
    """Reads a conversation from a YAML file.

    Raises:
      AdkFlowError: the file cannot be read, is no YAML, or does not fit.
    """
    document = read_document(path, "turns")
    conversation = document.converted(Conversation)
    if not conversation.turns:
        raise document.refused((), "turns is empty; expected at least one")
    for number, turn in enumerate(conversation.turns):
        if not (turn.say or turn.is_answer):
            raise document.refused(("turns", number), "expected say or answer")
        for task, field, reason in find_faults(turn.plan or []):
            place = ("turns", number, "plan", task, field)
            raise document.refused(place, reason)
    return conversation


class _Writer(yaml.SafeDumper):
    """Writes texts of several lines as such, to be read and changed."""

    def represent_text(self, text: str) -> yaml.Node:
        """Gives a text as a block if it has lines; U+0085, which YAML takes for one, is quoted."""
        style = '"' if "\x85" in text else "|" if "\n" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Writer.add_representer(str, _Writer.represent_text)


def write_conversation(conversation: Conversation, width: int = 100) -> str:
    """Writes a conversation as a YAML file holds it.

    Raises:
      AdkFlowError: it holds what is nested too deeply.
    """
    data = msgspec.to_builtins(conversation)
    try:
        return yaml.dump(
            data,
            Dumper=_Writer,
            sort_keys=False,
            allow_unicode=True,
            width=width,
            default_flow_style=None,
        )
    except RecursionError as error:
        raise AdkFlowError("what was called or returned is nested too deeply for YAML") from error


def read_state(text: str) -> dict[str, Any]:
    """Reads an initial state: a JSON object, or the path of a file (JSON or YAML) of one.

    Raises:
      AdkFlowError: it is neither.
    """
    if text.lstrip().startswith("{"):
        return _state_of_json(text)
    if not os.path.isfile(text):  # noqa: PTH113 - Path raises what is too long for a name
        raise AdkFlowError(
            "expected a JSON object such as "
            """'{"topic": "cats"}', or the path of a file that holds one""",
            argument="state",
            value=text,
        )
    if not text.endswith(".json"):
        document = read_document(text, "a mapping")
        return document.converted(dict[str, Any])
    try:
        return _state_of_json(Path(text).read_text(encoding="utf-8"), text)
    except (OSError, UnicodeDecodeError) as error:
        raise AdkFlowError(f"{text}: cannot be read: {error}") from error


def _state_of_json(text: str, file: str = "") -> dict[str, Any]:
    place, argument = (f"{file}: ", "") if file else ("", "state")
    try:
        state, reason = json.loads(text), "line 1: "
        _check_depth(state)
    except json.JSONDecodeError as error:
        state, reason = None, f"line {error.lineno}, column {error.colno}: {error.msg}; "
    except (RecursionError, ValueError) as error:
        reason = "is nested too deeply, or has a number of too many digits"
        raise AdkFlowError(f"{place}{reason}", argument=argument) from error
    if not isinstance(state, dict):
        raise AdkFlowError(f"{place}{reason}expected a JSON object", argument=argument)
    return state


def _check_depth(value: Any, levels: int = 100) -> None:
    """Raises RecursionError for what ADK cannot copy as often as it does."""
    if not levels:
        raise RecursionError
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _check_depth(part, levels - 1)


def with_state(conversation: Conversation, state: Mapping[str, Any]) -> Conversation:
    """Lets a conversation begin with a state, over what its file says of the same names."""
    return replace(conversation, state={**conversation.state, **state})


def failed_checks(turn: AskedTurn, answer: str, read: str, agents: list[str]) -> list[str]:
    """Lists what a turn lacks of what was asked for; empty if it passes.

    What is to be absent is looked for in the answer, the last final text; the rest in all that the
    user read.
    """
    folded = read.casefold()
    numbers = [float(number.replace(",", "")) for number in _NUMBER.findall(read)]
    failed = [f"lacks {words!r}" for words in turn.contains if words.casefold() not in folded]
    failed += [f"holds {words!r}" for words in turn.absent if words.casefold() in answer.casefold()]
    failed += [
        f"has no number within {near.tolerance:g} of {near.value:,.12g}"
        for near in turn.numbers
        if not any(abs(number - near.value) <= near.tolerance for number in numbers)
    ]
    idle = [name for name in turn.specialists if name not in agents]
    from adk_flow.record.redact import mask  # slow to import

    # What was to be said, or not, may be a secret itself, and a report goes further than its file.
    return [*map(mask, failed), *(f"{name} took no part" for name in idle)]
