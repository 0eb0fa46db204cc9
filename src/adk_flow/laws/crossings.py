"""Where the winner changes by the laws, as one thing after the other becomes more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from adk_flow._data import group_by
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.pricing import price_of
from adk_flow.comparison.crossovers import Axis, Winner, name_winner
from adk_flow.laws.formulas import Law
from adk_flow.laws.grid import Figures, Point
from adk_flow.log.schema import Usage

BASE = Point(topics=1, follow_ups=2, specialists=6, tools=3, words=50)
"""Where an axis starts from: all but what grows along it."""

AXES: Mapping[Axis, tuple[str, Sequence[int]]] = {
    "topics in one message": ("topics", range(1, 6)),
    "follow-ups": ("follow_ups", range(21)),
    "specialists": ("specialists", range(2, 41)),
    "tools a specialist": ("tools", range(1, 21)),
    "words of history": ("words", range(0, 2001, 50)),
}


class LawSetting(NamedTuple):
    """How fast the model is, and whose price its tokens have."""

    pace: LatencyProfile
    model: str


class LawCrossing(NamedTuple):
    """A point from which on a construct beats another."""

    figure: str
    winner: str
    loser: str
    axis: Axis
    point: int


def compared_values(figures: Figures, setting: LawSetting) -> dict[str, float | None]:
    """Gives what constructs are compared by; None where a price, or one of its own, is unknown."""
    share = figures.shared_bytes / max(figures.sent_bytes, 1)
    usage = Usage(input=figures.input_tokens, output=figures.output_tokens)
    cached = Usage(
        input=usage.input, output=usage.output, cached=round(share * figures.input_tokens)
    )
    price = price_of(setting.model)
    # By the mean request, which may lie below a limit that all of them together pass.
    rates = price.rates(usage.input // max(figures.calls, 1)) if price else None
    base, per_token = setting.pace.call_milliseconds, setting.pace.token_milliseconds
    return {
        "LLM calls": figures.calls,
        "tokens": figures.tokens,
        "critical path": (base * figures.path_calls + per_token * figures.path_tokens) / 1e3,
        "cost": rates.dollars(usage) if rates else None,
        "cost with cached prefixes": rates.dollars(cached)
        if rates and rates.cached is not None
        else None,
    }


def find_law_winners(laws: Sequence[Law], setting: LawSetting) -> Iterator[Winner]:
    """Finds who takes least at each point of each axis."""
    for axis, (field, points) in AXES.items():
        for number in points:
            point = BASE._replace(**{field: number})
            taken = {law.construct: law.at(point) for law in laws if law.holds_at(point)}
            values = {name: compared_values(figures, setting) for name, figures in taken.items()}
            for figure in next(iter(values.values()), {}):
                known = {
                    name: value for name, of in values.items() if (value := of[figure]) is not None
                }
                if known:
                    yield name_winner(axis, number, figure, known)


def find_crossings(winners: Sequence[Winner], constructs: Sequence[str]) -> Iterator[LawCrossing]:
    """Finds where, of each two constructs, one begins to beat the other, and goes on to the end."""
    series = group_by(winners, lambda winner: (winner.axis, winner.figure))
    for (axis, figure), points in series.items():
        for winner, loser in permutations(constructs, 2):
            wins = [
                point.values[winner] < point.values[loser]
                for point in points
                if winner in point.values and loser in point.values
            ]
            first = len(wins) - wins[::-1].index(False) if False in wins else 0
            was_worse = first and points[0].values[winner] > points[0].values[loser]
            if was_worse and first < len(wins):
                yield LawCrossing(figure, winner, loser, axis, points[first].point)
