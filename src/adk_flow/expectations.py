"""What a flow must hold still: rules from a YAML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from adk_flow.documents import Document, read_document
from adk_flow.findings.finding import Kind
from adk_flow.moves import USER
from adk_flow.problem import Problem

Limit = Annotated[int, msgspec.Meta(ge=0)]
"""The most that a figure may be."""


class ExpectationError(Problem):
    """A file that holds no rules for a flow."""


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


class Expectations(Rules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a file, and what it says of the conversation to hold."""

    hold: str | list[str] = []
    """What to ask an app: a conversation file, beside this one, or questions."""
    model: str = ""
    """Model of every agent of an app; empty for its own."""
    decisions: str = ""
    """File of what the model decides instead, beside this one (docs/decisions.md)."""
    price_model: str = ""
    """Model at whose price `cost` counts; empty for each its own."""
    may_fail: bool = False
    """Whether the flow need not be whole: turns may fail, and the log may be cut."""
    isolated: list[tuple[str, str]] = []
    """Pairs of agents of whom neither is shown anything of the other's."""
    each_turn: Rules = Rules()
    turns: list[Rules] = []
    """By turn, from the first."""


class Written(NamedTuple):
    """Expectations as they stand in a file."""

    document: Document
    rules: Expectations


def read_expectations(path: str | Path) -> Written:
    """Reads a file of rules.

    Raises:
      ExpectationError: it cannot be read, is no YAML, or does not fit.
    """
    document = read_document(path, "rules for a flow", ExpectationError)
    return Written(document, document.converted(Expectations, ExpectationError))


def check_agents(written: Written, known: Sequence[str]) -> None:
    """Checks that the rules name agents that there are, for a slip would never be broken.

    Raises:
      ExpectationError: one is not.
    """
    for *place, name in _named(written.rules):
        if name not in (*known, USER):
            line, field = written.document.line(*place), field_of(place)
            raise ExpectationError(
                f"{written.document.path}: line {line}: {field}: the app has no agent {name!r}; "
                f"there are {', '.join(known)}"
            )


def _named(rules: Expectations) -> Iterator[tuple[Any, ...]]:
    """Gives the place and name of every agent that rules name."""
    for pair, names in enumerate(rules.isolated):
        yield from (("isolated", pair, at, name) for at, name in enumerate(names))
    turns = [(("turns", number), turn) for number, turn in enumerate(rules.turns)]
    for place, one in [((), rules), (("each_turn",), rules.each_turn), *turns]:
        for field in ("answered_by", "holder"):
            if name := getattr(one, field):
                yield (*place, field, name)
        for at, name in enumerate(one.never_speaks):
            yield (*place, "never_speaks", at, name)


def field_of(place: Sequence[str | int]) -> str:
    """Writes a place in a file, such as `turns[1].llm_calls`."""
    told = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return told.lstrip(".")
