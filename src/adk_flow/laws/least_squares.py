"""Exact least squares over few terms, in fractions: of a law that holds nothing is left over."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from operator import mul
from typing import Any, TypeVar

_Name = TypeVar("_Name", bound=Hashable)


def fit_terms(
    places: Sequence[Mapping[_Name, int]], series: Sequence[Sequence[int]]
) -> list[dict[_Name, Fraction]]:
    """Fits a sum of terms to each of several series of values.

    Terms that others make up, or that add nothing, are left out.

    Args:
      places: the value of each term at each place.
      series: what each sum is to be at each place.
    """
    names = [*places[0]]
    columns = [[place[name] for place in places] for name in names]
    matrix = [[Fraction(sum(map(mul, a, b))) for b in [*columns, *series]] for a in columns]
    chosen: list[int] = []
    for place in range(len(names)):
        if matrix[place][place]:
            _sweep(matrix, place)
            chosen.append(place)
    return [
        {names[n]: value for n in chosen if (value := matrix[n][len(names) + number])}
        for number in range(len(series))
    ]


def predict_value(factors: Mapping[_Name, Fraction], terms: Mapping[_Name, int]) -> float:
    """Gives what a sum comes to at a place."""
    return float(sum(factor * terms[name] for name, factor in factors.items()))


ENOUGH = 2e-4
"""The mean error, as a share, that is no reason for another term."""
_NOTHING = 1e-12


def fit_shares(
    places: Sequence[Mapping[_Name, int]],
    values: Sequence[float],
    sizes: Sequence[float],
    most: int = 40,
) -> dict[_Name, float]:
    """Fits a sum of at most so many terms with factors above 0, by the least error as a share.

    Term after term is taken by what it gains, until the rest is close to nothing; one whose factor
    falls below 0 is given up. The normal equations are swept, as in stepwise regression (Goodnight,
    A Tutorial on the SWEEP Operator, 1979).

    Args:
      places: the value of each term at each place.
      values: what the sum is to be at each place.
      sizes: what an error is a share of.
      most: the most terms.
    """
    names = [*dict.fromkeys(name for place in places for name in place)]
    columns = [
        [place.get(name, 0) / size for place, size in zip(places, sizes, strict=True)]
        for name in names
    ]
    columns.append([value / size for value, size in zip(values, sizes, strict=True)])
    matrix = [[sum(map(mul, a, b)) for b in columns] for a in columns]
    norms, last = [row[n] for n, row in enumerate(matrix)], len(names)
    chosen: list[int] = []
    given_up: set[int] = set()
    while len(chosen) < most and matrix[last][last] > len(places) * ENOUGH**2:
        gains = {
            n: matrix[n][last] ** 2 / matrix[n][n]
            for n in range(last)
            if n not in chosen and n not in given_up
            if matrix[n][n] > 1e-9 * norms[n] and matrix[n][last] > 0
        }
        best = max(gains, key=lambda n: gains[n], default=-1)
        if best < 0 or gains[best] < _NOTHING:
            break
        _sweep(matrix, best)
        chosen.append(best)
        while below := [n for n in chosen if matrix[n][last] <= 0]:
            _sweep(matrix, below[0])
            chosen.remove(below[0])
            given_up.add(below[0])
    return {names[n]: matrix[n][last] for n in chosen}


def _sweep(matrix: list[list[Any]], place: int) -> None:
    """Takes a term into the sum, or out of it again."""
    row = matrix[place]
    pivot = row[place]
    for number, other in enumerate(matrix):
        if number != place and (factor := other[place] / pivot):
            pairs = zip(other, row, strict=True)
            matrix[number] = [value - factor * own for value, own in pairs]
            matrix[number][place] = -factor
    matrix[place] = [value / pivot for value in row]
    matrix[place][place] = 1 / pivot
