"""Which construct takes least with an app, said from its static picture before any run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from google.adk.apps import App
from msgspec.structs import replace

from adk_flow._data import group_by
from adk_flow._text import plural
from adk_flow.comparison.crossovers import Winner, name_winner
from adk_flow.comparison.variants import Variants, make_variants
from adk_flow.laws.grid import Figures
from adk_flow.laws.least_squares import fit_shares
from adk_flow.laws.team import AppTeam, Side, read_team
from adk_flow.laws.terms import terms_of_turns
from adk_flow.wiring import CONSTRUCTS

Talk = Literal["at once", "in turn"]
"""All specialists asked in one message, or the first one with follow-ups."""

PREDICTED = {"LLM calls": "calls", "tokens": "tokens"}
UNPREDICTABLE = ("advisor", "mixed")
"""Constructs that no picture tells the figures of: whom is consulted or called is a choice."""
_ONE_TOPIC = ("router", "classifier_router")
"""Constructs that answer one topic of a message."""
_HOPS = {"best_of_n": 0, "agent_tool": 1, "agent_tool_skip_summarization": 1, "single_turn": 1}
"""How many agents of its own a specialist can hand over to under these, so that all are asked."""
MOST_FOLLOW_UPS = 10


class AppLaw(msgspec.Struct):
    """What a construct takes with any app."""

    construct: str
    talk: Talk
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
    """Specialists with agents of their own, of which the laws know little: see `_fit`."""


async def predict_winners(app: App, laws: Sequence[AppLaw]) -> Prediction:
    """Says who takes least; nothing of the app runs.

    Raises:
      WiringError: it has no lead with specialists.
    """
    team, variants = await read_team(app), make_variants(app, CONSTRUCTS)
    count = len(team.specialists)
    left_out = why_left_out(team.specialists, variants)
    alone = why_left_out(team.specialists[:1], variants)
    at_once = _winners("at once", count, 0, team, left_out, laws)
    in_turn = [
        winner
        for number in range(MOST_FOLLOW_UPS + 1)
        for winner in _winners("in turn", 1, number, team, alone, laws)
    ]
    return Prediction(
        app=app.name,
        specialists=count,
        at_once={winner.figure: winner for winner in at_once},
        in_turn=in_turn,
        left_out=left_out,
        rough=[side.named for side in team.specialists if side.inner_calls or side.kind],
    )


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
    stages = next((side for side in asked if side.kind and side.inner_hops), None)
    if stages and construct.startswith("agent_tool"):
        return (
            f"{stages.named}, a {stages.kind}, is called once for all its agents; no law knows it"
        )
    for side in asked:
        if side.inner_hops > _HOPS.get(construct, side.inner_hops):
            own = plural(side.inner_hops, "agent")
            return f"not all are asked: {side.named} hands over to {own} of its own"
    last = next((side for side in asked[:-1] if side.kind and side.inner_hops), None)
    if construct == "transfer" and last:
        return f"not all are asked: {last.named}, a {last.kind}, hands control back to nobody"
    return ""


def _winners(
    talk: Talk,
    topics: int,
    follow_ups: int,
    team: AppTeam,
    left_out: Collection[str],
    laws: Iterable[AppLaw],
) -> Iterator[Winner]:
    (*_, terms) = terms_of_turns(team, topics, follow_ups)
    # Of one specialist both questions are the same; routers are fitted to more of the second kind.
    is_whole = topics == len(team.specialists) and not follow_ups
    able = [
        law
        for law in laws
        if law.construct not in left_out
        if (law.talk == "in turn") == (law.construct in _ONE_TOPIC or not is_whole)
    ]
    if len(team.specialists) == 1:  # in series or side by side is the same
        able = [law for law in able if law.construct != "sequential"]
        able += [
            replace(law, construct="sequential") for law in able if law.construct == "parallel"
        ]
    for figure, name in PREDICTED.items():
        values = {law.construct: float(round(apply_law(law.factors[name], terms))) for law in able}
        if name == "tokens" and topics > 1 and {"parallel", "sequential"} <= values.keys():
            # In series each hears besides what those before it said.
            values["sequential"] = max(values["sequential"], values["parallel"] + 1)
        if values and talk == "at once":
            yield name_winner("topics in one message", topics, figure, values)
        elif values:
            yield name_winner("follow-ups", follow_ups, figure, values)


class SampleRow(NamedTuple):
    """What a talk with an app takes under a construct."""

    construct: str
    talk: Talk
    terms: Mapping[str, int]
    figures: Figures


def fit_app_laws(rows: Iterable[SampleRow]) -> list[AppLaw]:
    """Fits laws to talks with apps of any shape."""
    return [
        AppLaw(*key, {figure: _fit(group, figure) for figure in PREDICTED.values()})
        for key, group in group_by(rows, lambda row: (row.construct, row.talk)).items()
    ]


def _fit(rows: Sequence[SampleRow], figure: str) -> dict[str, float]:
    """Fits apps whose specialists have no agents first, then what such agents add."""
    flat = [row for row in rows if not any(_inner(row.terms).values())]
    sizes = [float(getattr(row.figures, figure)) for row in flat]
    law = fit_shares([row.terms for row in flat], sizes, sizes)
    deep = [row for row in rows if any(_inner(row.terms).values())]
    sizes = [float(getattr(row.figures, figure)) for row in deep]
    rest = [size - apply_law(law, row.terms) for size, row in zip(sizes, deep, strict=True)]
    return law | fit_shares([_inner(row.terms) for row in deep], rest, sizes, most=5)


def _inner(terms: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in terms.items() if name.startswith("inner")}


def apply_law(factors: Mapping[str, float], terms: Mapping[str, int]) -> float:
    """Gives what a law's factors come to."""
    return sum(factor * terms.get(name, 0) for name, factor in factors.items())
