"""Which construct takes least with an app, said from its static picture before any run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from google.adk.apps import App

from adk_flow._data import group_by
from adk_flow.comparison.crossovers import Axis, Winner, name_winner
from adk_flow.comparison.variants import Variants, make_variants
from adk_flow.laws.grid import Figures
from adk_flow.laws.least_squares import fit_shares
from adk_flow.laws.nested import why_unasked
from adk_flow.laws.team import AppTeam, Side, read_team
from adk_flow.laws.terms import terms_of_turns
from adk_flow.wiring import CONSTRUCTS

PREDICTED = {"LLM calls": "calls", "tokens": "tokens"}
UNPREDICTABLE = ("advisor", "mixed")
"""Constructs that no picture tells the figures of: whom is consulted or called is a choice."""
_ONE_TOPIC = ("router", "classifier_router")
"""Constructs that answer one topic of a message."""
MOST_FOLLOW_UPS = 10


class AppLaw(msgspec.Struct):
    """What a construct takes with any app."""

    construct: str
    factors: dict[str, dict[str, float]]
    """By figure and term."""


class Prediction(msgspec.Struct, kw_only=True):
    """Who takes least with an app."""

    app: str
    specialists: int
    at_once: dict[str, Winner]
    """By figure, with every agent asked in one message, as a drafted plan does."""
    in_turn: list[Winner]
    """By follow-ups to the first specialist."""
    left_out: dict[str, str]
    """Constructs that are not among those of `at_once`, with the reason."""
    rough: list[str]
    """Specialists of whom the laws know little: these, or one below, run others not in series, or
    have the name of another agent, so that a drafted plan asks one of both."""


async def predict_winners(app: App, laws: Sequence[AppLaw]) -> Prediction:
    """Says who takes least; nothing of the app runs.

    Raises:
      WiringError: it has no lead with specialists.
    """
    team, variants = await read_team(app), make_variants(app, CONSTRUCTS)
    count = len(team.specialists)
    left_out = why_left_out(team.specialists, variants)
    alone = why_left_out(team.specialists[:1], variants)
    at_once = _winners("topics in one message", count, 0, team, left_out, laws)
    in_turn = [
        winner
        for number in range(MOST_FOLLOW_UPS + 1)
        for winner in _winners("follow-ups", 1, number, team, alone, laws)
    ]
    return Prediction(
        app=app.name,
        specialists=count,
        at_once={winner.figure: winner for winner in at_once},
        in_turn=in_turn,
        left_out=left_out,
        rough=[*_rough(team.specialists)],
    )


def _rough(specialists: Sequence[Side]) -> Iterator[str]:
    times = Counter(each.named for side in specialists for each in side.whole)
    for side in specialists:
        if any(_is_other(each) or times[each.named] > 1 for each in side.whole):
            yield side.named


def why_left_out(asked: Sequence[Side], variants: Variants) -> dict[str, str]:
    """Says of which constructs nothing is predicted, and why."""
    reasons = {name: _why_left_out(name, asked, variants) for name in variants.apps}
    return {name: why for name, why in reasons.items() if why} | variants.skipped


def _why_left_out(construct: str, asked: Sequence[Side], variants: Variants) -> str:
    if construct in UNPREDICTABLE:
        return "whom it asks is a choice, which no picture shows"
    if construct in variants.incomplete:
        return variants.incomplete[construct]
    if len(asked) > 1 and construct in _ONE_TOPIC:
        return "it answers one of several topics"
    other = next(filter(_is_other, asked), None)
    if other and construct.startswith("agent_tool"):
        return f"{other.named}, a {other.kind}, is called once for all its agents; no law knows it"
    for side in asked:
        if who := why_unasked(construct, side):
            return f"not all are asked: {who}"
    last = next((side for side in asked[:-1] if side.kind and side.targets), None)
    if construct == "transfer" and last:
        return f"not all are asked: {last.named}, a {last.kind}, hands control back to nobody"
    return ""


def _is_other(side: Side) -> bool:
    return side.kind not in ("", "SequentialAgent")


def _winners(
    axis: Axis,
    topics: int,
    follow_ups: int,
    team: AppTeam,
    left_out: Collection[str],
    laws: Iterable[AppLaw],
) -> Iterator[Winner]:
    able = [law for law in laws if law.construct not in left_out]
    for figure, name in PREDICTED.items():
        values = {law.construct: _value(law, name, team, topics, follow_ups) for law in able}
        if {"parallel", "sequential"} <= values.keys():
            if len(team.specialists) == 1:  # in series or side by side is the same
                values["sequential"] = values["parallel"]
            elif name == "tokens" and topics > 1:  # in series each hears those before it
                values["sequential"] = max(values["sequential"], values["parallel"] + 1)
        if values:
            yield name_winner(axis, follow_ups if axis == "follow-ups" else topics, figure, values)


def _value(law: AppLaw, figure: str, team: AppTeam, topics: int, follow_ups: int) -> float:
    (*_, terms) = terms_of_turns(team, law.construct, topics, follow_ups)
    return float(round(apply_law(law.factors[figure], terms)))


class SampleRow(NamedTuple):
    """What a talk with an app takes under a construct."""

    construct: str
    terms: Mapping[str, int]
    figures: Figures


def fit_app_laws(rows: Iterable[SampleRow]) -> list[AppLaw]:
    """Fits laws to talks with apps of any shape."""
    groups = group_by(rows, lambda row: row.construct)
    return [_fit_construct(name, group) for name, group in groups.items()]


def _fit_construct(construct: str, rows: Sequence[SampleRow]) -> AppLaw:
    """Fits calls, then the tokens of talks whose calls are those: where agents meet they vary."""
    calls = _fit(rows, "calls")
    exact = [row for row in rows if round(apply_law(calls, row.terms)) == row.figures.calls]
    return AppLaw(construct, {"calls": calls, "tokens": _fit(exact, "tokens")})


def _fit(rows: Sequence[SampleRow], figure: str) -> dict[str, float]:
    """Fits apps whose specialists have no agents first, then what such agents add."""
    flat = [row for row in rows if not any(_inner(row.terms).values())]
    sizes = [float(getattr(row.figures, figure)) for row in flat]
    law = fit_shares([row.terms for row in flat], sizes, sizes)
    deep = [row for row in rows if any(_inner(row.terms).values())]
    sizes = [float(getattr(row.figures, figure)) for row in deep]
    rest = [size - apply_law(law, row.terms) for size, row in zip(sizes, deep, strict=True)]
    law |= fit_shares([_inner(row.terms, figure) for row in deep], rest, sizes)
    return {name: rounded for name, factor in law.items() if (rounded := round(factor, 3))}


def _inner(terms: Mapping[str, int], figure: str = "") -> dict[str, int]:
    start = "inner calls" if figure == "calls" else "inner"  # calls are counted, not fitted
    return {name: value for name, value in terms.items() if name.startswith(start)}


def apply_law(factors: Mapping[str, float], terms: Mapping[str, int]) -> float:
    """Gives what a law's factors come to."""
    return sum(factor * terms.get(name, 0) for name, factor in factors.items())
