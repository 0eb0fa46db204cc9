"""Which construct takes least with an app, said from its static picture before any run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from google.adk.apps import App
from msgspec.structs import replace

from adk_flow._data import group_by
from adk_flow.comparison.crossovers import Winner, name_winner
from adk_flow.comparison.variants import Variants, make_variants
from adk_flow.laws.grid import Figures
from adk_flow.laws.least_squares import fit_shares
from adk_flow.laws.team import AppTeam, read_team
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
    skipped: dict[str, str]
    """Constructs that it cannot be wired as, with the reason."""
    incomplete: dict[str, str]
    """Those that lack somebody, or the lead's own tools, with what they lack."""


async def predict_winners(app: App, laws: Sequence[AppLaw]) -> Prediction:
    """Says who takes least; nothing of the app runs.

    Raises:
      WiringError: it has no lead with specialists.
    """
    team, variants = await read_team(app), make_variants(app, CONSTRUCTS)
    count = len(team.specialists)
    at_once = _winners("at once", count, 0, team, variants, laws)
    in_turn = [
        winner
        for number in range(MOST_FOLLOW_UPS + 1)
        for winner in _winners("in turn", 1, number, team, variants, laws)
    ]
    return Prediction(
        app=app.name,
        specialists=count,
        at_once={winner.figure: winner for winner in at_once},
        in_turn=in_turn,
        skipped=variants.skipped,
        incomplete=variants.incomplete,
    )


def _winners(
    talk: Talk,
    topics: int,
    follow_ups: int,
    team: AppTeam,
    variants: Variants,
    laws: Iterable[AppLaw],
) -> Iterator[Winner]:
    (*_, terms) = terms_of_turns(team, topics, follow_ups)
    hops = max(side.inner_hops for side in team.specialists[:topics])
    able = [
        law
        for law in laws
        if law.talk == talk and law.construct in variants.apps
        if law.construct not in variants.incomplete
        if topics == 1 or law.construct not in _ONE_TOPIC
        if _HOPS.get(law.construct, hops) >= hops
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
