"""Decides which quantity of a text is meant for which number parameter."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from adk_flow.models.offline.likeness import Option, likeness
from adk_flow.models.offline.quantities import Quantity
from adk_flow.models.offline.words import readable, stems, words
from adk_flow.models.request.functions import Parameter
from adk_flow.models.request.schemas import Schema

SAME_UNIT = 3.0
"""A quantity in the parameter's own unit."""
LIKELY_UNIT = 2.0
"""A bare number where one is likely: 250000 for a sum of money."""
POSSIBLE_UNIT = 0.5
"""A bare number that needs a word beside it to be taken: the 25 in "term 25"."""
WORD_CUE = 1.0
"""For each word of the parameter's name that stands beside the quantity, up to two."""
NOTE_CUE = 0.5
"""For a word of its description."""

OPTIONAL = 0.25
"""How much better a quantity must suit what a call can do without than what it needs."""

_IN_UNIT = re.compile(
    r"\b(?:in|as a|of)\s+(?:whole\s+|full\s+)?"
    r"(?P<unit>pounds|dollars|euros|gbp|usd|eur|percentage|percent|per cent|%|fraction|decimal"
    r"|years|months|weeks|days|hours|minutes)"
    r"(?:\s+(?:a|per|each)\s+(?P<per>month|year|week|day))?",
    re.I,
)
_UNIT_NAMES = {
    **dict.fromkeys(("pounds", "dollars", "euros", "gbp", "usd", "eur"), "money"),
    **dict.fromkeys(("percentage", "per cent", "%"), "percent"),
    "decimal": "fraction",
}
_NAME_UNITS = (
    ("percent", "percent percentage pct"),
    ("age", "age"),
    ("years", "years term"),
    ("months", "months"),
    ("weeks", "weeks"),
    ("days", "days nights"),
    ("hours", "hours"),
    ("minutes", "minutes"),
    ("money", "amount price cost value income salary earnings wage deposit loan balance pot"),
    ("money", "saving savings contribution payment sum budget pay capital principal fee debt rent"),
    ("percent", "rate interest yield apr aer growth inflation return"),
)
_PERIODS = {
    "monthly": "month",
    "annual": "year",
    "yearly": "year",
    "weekly": "week",
    "daily": "day",
}
_ROLES = (
    stems("income salary wage wages earn earns earned earning earnings"),
    stems("loan mortgage debt borrow borrowed borrowing owe owes"),
    stems("price property home house flat worth"),
    stems("deposit"),
    stems("rent rents"),
)
"""Words for what a sum is; one that is called by one of them is not taken for another."""
_ONE_SUM = {1, 2, 3}
"""Roles of a single sum: a loan, a price and a deposit are none a year."""
_TIMES = ("years", "months", "weeks", "days", "hours", "minutes")
_SHORT_PERIODS = ("month", "week", "day")
_SAME_AMOUNT = {("years", "months"): 12.0, ("percent", "fraction"): 0.01, ("weeks", "days"): 7.0}
_LEAST_MONEY = 1000
"""From here on a bare number is likelier to be money than a count."""
_SPLITTERS = frozenset(
    [",", *words("on at over for with and of from to by plus or but if when while as because")]
)


class Measure(NamedTuple):
    """What a number parameter counts."""

    unit: str
    """As a quantity's unit, or fraction; empty if nothing says."""
    per: str


class Given(NamedTuple):
    """A quantity that a parameter got, and how well it suits."""

    quantity: Quantity
    score: float


def assigned(parameters: Sequence[Parameter], found: Sequence[Quantity]) -> dict[str, Given]:
    """Gives each number parameter the quantity that suits it best, or none."""
    beside = _own_words(found)
    pairs = [
        (-_suits(parameter, quantity, near), place, number)
        for place, parameter in enumerate(parameters)
        for number, (quantity, near) in enumerate(zip(found, beside, strict=True))
    ]
    taken: dict[str, Given] = {}
    spent: set[int] = set()

    def worth(pair: tuple[float, int, int]) -> tuple[float, int, int]:
        cost, place, number = pair
        return cost + (0 if parameters[place].required else OPTIONAL), place, number

    for cost, place, number in sorted(pairs, key=worth):
        name = parameters[place].name
        if cost < 0 and name not in taken and number not in spent:
            taken[name] = Given(found[number], -cost)
            spent.add(number)
    return taken


def converted(parameter: Parameter, quantity: Quantity) -> float | int | None:
    """Writes a quantity in the parameter's unit and type; None if it may not hold it."""
    value = stated(parameter, quantity)
    return value if value is not None and is_allowed(value, parameter.schema) else None


def stated(parameter: Parameter, quantity: Quantity) -> float | int | None:
    """Writes a quantity as `converted` does, out of bounds too: the function then says so."""
    value = quantity.value * _SAME_AMOUNT.get((quantity.unit, measure(parameter).unit), 1.0)
    value = round(value, 9)
    if parameter.kind == "integer":
        if value != int(value):
            return None
        value = int(value)
    return value


def is_allowed(value: float, schema: Schema) -> bool:
    """Tells whether a number keeps within a schema's limits."""
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or schema["exclusiveMinimum"] < value)
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and (not schema.get("multipleOf") or value % schema["multipleOf"] == 0)
    )


def counts_alike(parameter: Parameter, quantity: Quantity) -> bool:
    """Tells whether a quantity is of the parameter's unit, or of none."""
    return _unit_score(measure(parameter).unit, quantity) > 0


def measure(parameter: Parameter) -> Measure:
    """Reads what a parameter counts from its description, else from its name."""
    return _measure(parameter.name, parameter.description)


@lru_cache(maxsize=1024)
def _measure(name: str, description: str) -> Measure:
    spelt = readable(name).split()
    per = next((_PERIODS[word] for word in spelt if word in _PERIODS), "")
    if match := _IN_UNIT.search(description):
        unit = match["unit"].lower()
        return Measure(_UNIT_NAMES.get(unit, unit), (match["per"] or per).lower())
    if spelt[-1:] == ["year"]:
        return Measure("date", "")
    unit = next((unit for unit, known in _NAME_UNITS if set(known.split()) & set(spelt)), "")
    return Measure(unit, per)


def _suits(parameter: Parameter, quantity: Quantity, beside: Sequence[str]) -> float:
    """Scores a quantity for a parameter; 0 or less if it should not be taken."""
    wanted = measure(parameter)
    unit = _unit_score(wanted.unit, quantity)
    written = stated if parameter.required and unit == SAME_UNIT else converted
    if not unit or written(parameter, quantity) is None:
        return 0
    name = stems(readable(parameter.name))
    near = stems(" ".join(beside))
    if quantity.unit in _TIMES:
        near |= stems(quantity.unit)
    told = stems(parameter.description) - name
    cues = min(2, len(name & near)) * WORD_CUE + min(1, len(told & near)) * NOTE_CUE
    period = _period_score(wanted, quantity, beside)
    if unit == POSSIBLE_UNIT and cues < WORD_CUE:
        return 0
    roles, said = _roles(name), _roles(near)
    is_alike = bool(quantity.per) and quantity.per == wanted.per
    if roles and said and not roles & said and not is_alike:
        return 0
    if quantity.per and roles & _ONE_SUM:
        return 0
    if period is None or (not parameter.required and not cues and period <= 0):
        return 0
    option = Option(readable(parameter.name), parameter.description)
    return unit + cues + period + likeness(" ".join(beside), option)


def _roles(found: frozenset[str]) -> set[int]:
    return {number for number, role in enumerate(_ROLES) if role & found}


def _unit_score(wanted: str, quantity: Quantity) -> float:
    if quantity.unit == wanted or (quantity.unit, wanted) in _SAME_AMOUNT:
        return SAME_UNIT
    if quantity.unit == "plain":
        if not wanted or (wanted == "money" and abs(quantity.value) >= _LEAST_MONEY):
            return LIKELY_UNIT
        return POSSIBLE_UNIT
    return 0 if wanted else LIKELY_UNIT


def _period_score(wanted: Measure, quantity: Quantity, beside: Sequence[str]) -> float | None:
    """Scores how a sum recurs; None if a single sum is offered for a monthly one, or the like."""
    if wanted.unit != "money":
        return 0
    if quantity.per and quantity.per == wanted.per:
        return WORD_CUE
    if quantity.per in _SHORT_PERIODS:
        return None
    is_said = any(word.startswith(wanted.per) for word in beside)
    return 0 if wanted.per not in _SHORT_PERIODS or is_said else None


def _own_words(found: Sequence[Quantity]) -> list[list[str]]:
    """Shares out the words between two quantities: a comma or preposition opens the second's."""
    own = []
    for number, quantity in enumerate(found):
        before, after = quantity.before, _until(quantity.after, {","})
        if number and found[number - 1].after == before:
            before = before[len(_until(before, _SPLITTERS)) :]
        if number + 1 < len(found) and found[number + 1].before == quantity.after:
            after = _until(quantity.after, _SPLITTERS)
        own.append([*before, *after])
    return own


def _until(tokens: Sequence[str], ends: Collection[str]) -> Sequence[str]:
    """Returns the words before the first of the ends."""
    return tokens[: next((n for n, token in enumerate(tokens) if token in ends), len(tokens))]
