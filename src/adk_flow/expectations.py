"""What a flow must hold still: rules from a YAML file, each checked by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from adk_flow.documents import Document, read_document
from adk_flow.findings.finding import Kind
from adk_flow.flow import Flow
from adk_flow.moves import USER
from adk_flow.picture import Picture, aligned, side_by_side
from adk_flow.problem import Problem

Limit = Annotated[int, msgspec.Meta(ge=0)]
"""The most that a figure may be."""

LIMITS = (
    "llm_calls",
    "reported_llm_calls",
    "transfers",
    "agent_calls",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "tokens",
)


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


class Checked(NamedTuple):
    """A rule, and whether a flow keeps it."""

    rule: str
    """Its field in the file, such as `turns[1].llm_calls`."""
    line: int
    reason: str
    """What breaks it, in one line; empty where it is kept."""
    details: tuple[str, ...] = ()
    """More lines, such as the moves side by side."""


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
            line, field = written.document.line(*place), _field(place)
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


def checked(flow: Flow, written: Written) -> list[Checked]:
    """Checks every rule of a file, and first whether the flow is whole."""
    rules, document = written.rules, written.document
    found = []
    if not rules.may_fail:
        found += [Checked("whole", document.line(), fault) for fault in flow.faults or [""]]
    found += _scope(flow, rules, document, (), rules.price_model)
    for pair, (one, other) in enumerate(rules.isolated):
        told = flow.shared(one, other)
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        reason = f"{told[0]}{more}" if told else ""
        found.append(_checked(document, ("isolated", pair), reason, tuple(told)))
    for turn in flow.turns:
        found += _scope(turn, rules.each_turn, document, ("each_turn",), rules.price_model)
    for index, rule in enumerate(rules.turns):
        if index < len(flow.figures):
            turn = flow.turns[index]
            found += _scope(turn, rule, document, ("turns", index), rules.price_model)
        else:
            reason = f"there is no turn {index + 1}"
            found.append(_checked(document, ("turns", index), reason))
    return found


def _scope(
    flow: Flow, rules: Rules, document: Document, place: tuple[str | int, ...], price_model: str
) -> Iterator[Checked]:
    """Checks rules of one turn, or of all together."""
    number = f"turn {flow.figures[0].turn}: " if place else ""

    def told(field: str, reason: str, details: tuple[str, ...] = ()) -> Checked:
        return _checked(document, (*place, field), reason and f"{number}{reason}", details)

    for field in ("control", "conversation"):
        if (expected := getattr(rules, field)) is not None:
            yield told(field, *_moves(expected, getattr(flow, field)))
    for field in LIMITS:
        if (limit := getattr(rules, field)) is not None:
            yield told(field, _over(getattr(flow, field), limit))
    if rules.cost is not None:
        yield told("cost", _dear(flow, rules.cost, price_model))
    for field in ("answered_by", "holder"):
        if (name := getattr(rules, field)) is not None:
            yield told(field, _other(getattr(flow, field), name))
    for name in rules.never_speaks:
        spoke = f"{name} spoke to the user" if name in flow.speakers else ""
        yield told("never_speaks", spoke)
    kinds = [*rules.no_findings, *(["ping_pong"] if rules.no_ping_pong else [])]
    for kind in kinds:
        texts = [finding.text for finding in flow.findings if finding.kind == kind]
        field = "no_findings" if kind in rules.no_findings else "no_ping_pong"
        yield told(field, f"{kind}: {texts[0]}" if texts else "", tuple(texts))


def _checked(
    document: Document, place: tuple[str | int, ...], reason: str, details: tuple[str, ...] = ()
) -> Checked:
    return Checked(_field(place), document.line(*place), reason, details if reason else ())


def _field(place: Sequence[str | int]) -> str:
    told = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return told.lstrip(".")


def _moves(expected: str | list[str], actual: Picture) -> tuple[str, tuple[str, ...]]:
    if actual == expected:
        return "", ()
    rows = aligned(expected, actual)
    changed = [row for row in rows if not row.same]
    first = changed[0]
    told = {
        "-": f"lacks: {first.left}",
        "+": f"not expected: {first.right}",
        "!": f"{first.right}, expected {first.left}",
    }[first.mark]
    more = f" ({len(changed)} of {len(rows)} lines differ)" if len(changed) > 1 else ""
    return f"{told}{more}", tuple(side_by_side(rows))


def _over(figure: Any, limit: Any) -> str:
    return f"{figure:,}, expected at most {limit:,}" if figure > limit else ""


def _dear(flow: Flow, limit: float, model: str) -> str:
    try:
        dollars = flow.cost(model)
    except Problem as error:
        return str(error)
    return f"${dollars:.6f}, expected at most ${limit:.6f}" if dollars > limit else ""


def _other(found: str, expected: str) -> str:
    return "" if found == expected else f"{found or 'nobody'}, expected {expected}"
