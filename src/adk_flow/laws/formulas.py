"""Laws of constructs: what their figures come to on the grid, as sums of few terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import product

import msgspec
from msgspec.structs import replace

from adk_flow._data import group_by
from adk_flow.laws.grid import Figures, LawRow, Point
from adk_flow.laws.least_squares import fit_terms, predict_value

_FULL = product((1, 2, 3), (3,), (4, 5, 6), (1, 2, 3), (0, 20))
SMALL = [Point(*place) for number, place in enumerate(_FULL) if 7 * number % 11 < 5]
"""The points that laws are fitted to; each stands for those with fewer follow-ups, too.

Topics are fewer than specialists: whoever comes last answers nothing, and whom `mixed` calls.
"""
LARGE = [Point(5, 5, 7, 5, 60), Point(1, 8, 8, 6, 0), Point(4, 6, 9, 2, 40), Point(1, 6, 7, 4, 80)]
"""Those that they are tried on."""
NEAR = 1e-3
"""The misfit, as a share, that few terms may have where all have one too."""


class Law(msgspec.Struct, kw_only=True):
    """What a construct takes at any point."""

    construct: str
    factors: dict[str, dict[str, Fraction]]
    """By figure and term: `kf·m` is topics times follow-ups times tools."""
    most_topics: int = 0
    """Topics of a message beyond which somebody is left out; 0 for none."""
    fitted: int
    """Places that it was fitted to."""
    misfits: dict[str, float] = {}
    """The largest error of each figure there, as a share of it."""
    tried: int = 0
    """Places that it was not fitted to."""
    errors: dict[str, float] = {}
    """The same of them."""

    def at(self, point: Point) -> Figures:
        """Gives the figures at a point."""
        terms = terms_at(point)
        values = {name: predict_value(self.factors[name], terms) for name in Figures._fields}
        return Figures(**{name: round(value) for name, value in values.items()})

    def holds_at(self, point: Point) -> bool:
        """Whether everybody is asked there."""
        return not self.most_topics or point.topics <= self.most_topics


def terms_at(point: Point) -> dict[str, int]:
    """Gives the terms' values: calls grow with the talk, what is sent with its square.

    Where agents hear each other in turn, who is asked first hears nobody before it: so `f₁`.
    """
    k, f, n, m, h = point
    first = f if k == 1 else 0
    talk = {"1": 1, "k": k, "f": f, "k²": k * k, "kf": k * f, "f²": f * f, "f₁": first}
    sizes = {"1": 1, "n": n, "m": m, "nm": n * m, "h": h}
    pairs = {"n²": n * n, "n²m": n * n * m, "nh": n * h}
    grown = [*product(talk, sizes), *product(("1", "f"), pairs)]
    return {f"{a}·{b}": talk[a] * (sizes | pairs)[b] for a, b in grown}


def _plain_terms_at(point: Point) -> dict[str, int]:
    """Gives those of talks in which nobody hears of another topic of the same message."""
    left_out = re.compile("k²|f₁|.*n²|.*nh")
    return {name: value for name, value in terms_at(point).items() if not left_out.match(name)}


def fit_laws(fitted: Iterable[LawRow], tried: Iterable[LawRow]) -> list[Law]:
    """Fits a law for each construct, and tries it on other rows."""
    others = group_by(tried, lambda row: row.construct)
    groups = group_by(fitted, lambda row: row.construct)
    return [_fit(name, rows, others.get(name, [])) for name, rows in groups.items()]


def _fit(construct: str, rows: Sequence[LawRow], others: Sequence[LawRow]) -> Law:
    """Fits all terms; if that leaves a rest, few of them, lest the others follow the rest."""
    series = [[*values] for values in zip(*(row.figures for row in rows), strict=True)]
    laws = []
    for terms in (terms_at, _plain_terms_at):
        factors = fit_terms([terms(row.point) for row in rows], series)
        law = Law(
            construct=construct,
            factors=dict(zip(Figures._fields, factors, strict=True)),
            most_topics=1 if all(row.point.topics == 1 for row in rows) else 0,
            fitted=len(rows),
            tried=len(others),
        )
        laws.append(replace(law, misfits=_errors(law, rows)))
    whole, plain = laws
    is_plain = any(whole.misfits.values()) and max(plain.misfits.values()) < NEAR
    law = plain if is_plain else whole
    return replace(law, errors=_errors(law, others))


def _errors(law: Law, rows: Sequence[LawRow]) -> dict[str, float]:
    pairs = [(law.at(row.point), row.figures) for row in rows]
    names = (*Figures._fields, "tokens")
    return {
        name: max(
            (abs(getattr(a, name) - getattr(b, name)) / max(1, getattr(b, name)) for a, b in pairs),
            default=0.0,
        )
        for name in names
    }
