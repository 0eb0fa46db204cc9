"""What a flow must hold still: rules from a YAML file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from adk_flow._text import suggest
from adk_flow.analysis.findings.finding import KINDS, Kind
from adk_flow.analysis.move import USER
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.yaml_file import Document, field_of, read_document

Limit = Annotated[int, msgspec.Meta(ge=0)]
"""The most that a figure may be."""


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules for one turn, for each, or for all turns together; what is not named may be."""

    control: str | list[str] | None = None
    """The moves of control as a picture."""
    conversation: str | list[str] | None = None
    """The moves of conversation as a picture."""
    llm_calls: Limit | None = None
    reported_llm_calls: Limit | None = None
    transfers: Limit | None = None
    agent_calls: Limit | None = None
    tool_calls: Limit | None = None
    input_tokens: Limit | None = None
    output_tokens: Limit | None = None
    tokens: Limit | None = None
    messages_read: Limit | None = None
    """The most messages that the user may read."""
    cost: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """The most that its model calls may cost, in US dollars."""
    answered_by: str | None = None
    """Who gives the last answer."""
    holder: str | None = None
    """Who holds the next turn."""
    never_speaks: list[str] = []
    """Agents that say nothing to the user."""
    no_ping_pong: bool = False
    no_findings: list[Kind] = []
    """Kinds of findings of which there must be none."""
    state: dict[str, Any] = {}
    """What keys of the session's state hold at its end; `...` stands for any words."""
    instructions: dict[str, str] = {}
    """By agent, a part of its instruction as its model is sent it: each `{key}` filled with words,
    `...` for any."""


class FlowRules(Rules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a file, and what it says of the conversation to hold."""

    hold: str | list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    """What to ask an app: a conversation file, beside this one, or questions."""
    model: str = ""
    """Model of every agent of an app; empty for its own."""
    decisions: str = ""
    """File of what the model decides instead, beside this one (docs/decisions.md)."""
    price_model: str = ""
    """Model at whose price `cost` counts; empty for each its own."""
    may_fail: bool = False
    """Whether the flow need not be whole: turns may fail, and the log may be cut."""
    no_warnings: list[str] = []
    """Kinds of warnings that `inspect` must not give of an app."""
    isolated: list[tuple[str, str]] = []
    """Pairs of agents of whom neither is shown anything of the other's."""
    each_turn: Rules = Rules()
    turns: list[Rules] = []
    """By turn, from the first."""


class RuleFile(NamedTuple):
    """Rules as they stand in a file."""

    document: Document
    rules: FlowRules


def read_rules(path: str | Path) -> RuleFile:
    """Reads a file of rules.

    Raises:
      AdkFlowError: it cannot be read, is no YAML, or does not fit.
    """
    document = read_document(path, "rules for a flow")
    try:
        rules = document.converted(FlowRules)
    except AdkFlowError as error:
        unknown = re.search(r"enum value '(.*)'", str(error))
        meant = suggest(unknown[1], KINDS) if unknown else ""
        listed = f"; expected one of {', '.join(KINDS)}{meant}" if unknown else ""
        raise AdkFlowError(f"{error}{listed}") from error
    for place, value in _fields(document.data, ()):
        if value is None:
            raise document.refused(place, "has no value; give it one, or leave the field out")
    if not _asks(rules, document.data):
        raise document.refused((), "holds no rule; expected one, such as llm_calls")
    return RuleFile(document, rules)


def _fields(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[Any, Any]]:
    """Gives place and value of every field."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield (*place, key), part
            yield from _fields(part, (*place, key))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _fields(part, (*place, at))


def _asks(rules: FlowRules, data: Any) -> bool:
    """Whether there is anything to check, be it that what is held comes to its end."""
    about = {"hold": [], "model": "", "decisions": "", "price_model": "", "may_fail": False}
    if msgspec.structs.replace(rules, **about) != FlowRules():
        return True
    is_file = isinstance(rules.hold, str) and bool(rules.hold)  # which may ask of the answers
    return is_file if rules.may_fail else bool(rules.hold) or "may_fail" in data


def check_agents(written: RuleFile, known: Sequence[str]) -> None:
    """Checks that the rules name agents that there are, for a slip would never be broken.

    Raises:
      AdkFlowError: one is not.
    """
    for place, name in find_unknown_agents(written, known):
        there = f"there are {', '.join(known)}{suggest(name, known)}"
        raise AdkFlowError(f"{place}: the app has no agent {name!r}; {there}")


def find_unknown_agents(written: RuleFile, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Gives file, line and field, and the name, of each agent in the rules that is not known."""
    for *place, name in _named(written.rules):
        if name not in known and name != USER:
            line = written.document.line(*place)
            yield f"{written.document.path}: line {line}: {field_of(place)}", name


def _named(rules: FlowRules) -> Iterator[tuple[Any, ...]]:
    """Gives the place and name of every agent that rules name."""
    for pair, names in enumerate(rules.isolated):
        yield from (("isolated", pair, at, name) for at, name in enumerate(names))
    turns = [(("turns", number), turn) for number, turn in enumerate(rules.turns)]
    for place, scope in [((), rules), (("each_turn",), rules.each_turn), *turns]:
        leads = (("answered_by", scope.answered_by), ("holder", scope.holder))
        yield from ((*place, field, name) for field, name in leads if name)
        for at, name in enumerate(scope.never_speaks):
            yield (*place, "never_speaks", at, name)
        yield from ((*place, "instructions", name, name) for name in scope.instructions)
