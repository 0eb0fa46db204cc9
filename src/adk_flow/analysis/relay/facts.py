"""Facts of a text, in any spelling: money, shares, durations, dates, and names of a list."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from adk_flow.analysis.quantities import MONEY, UNREAD, Quantity, read_quantities
from adk_flow.analysis.terms import ROUNDING

LOOSE = "plain"
"""Unit of a number that has none, and is no fact but may stand for one."""
_AMOUNT = "amount"
"""Unit of a number that is a fact without one: 10,000 or 10k."""
_UNITLESS = (LOOSE, _AMOUNT)
_SCALE = {"years": 12, "age": 12, "months": 1, "weeks": 7, "days": 1, "hours": 60, "minutes": 1}
_SCALED_ALIKE = ({"years", "age", "months"}, {"weeks", "days"}, {"hours", "minutes"})
_EXACT = 1e-9
_COMPUTED = 1e-3
"""By how much of itself a figure that was computed may be off, as it was rounded."""


class Fact(NamedTuple):
    """One fact."""

    unit: str
    """A currency, `percent`, a duration, `date`, `name`, or that of a number without one."""
    value: float
    """Of a number; 0 of others."""
    text: str
    """As it is written."""
    dates: frozenset[tuple[int, int, int]] = frozenset()
    """Year, month and day, 0 where one is not said; two where day and month may be either."""

    @property
    def is_number(self) -> bool:
        """Whether it can be computed with."""
        return self.unit not in ("date", "name")


def read_facts(text: str, names: Sequence[str] = ()) -> list[Fact]:
    """Reads a text, or the values of a JSON object; numbers without a unit are `LOOSE`."""
    text = _values_of(text)
    named = [_named(name, text) for name in names]
    rest, dates = _take_dates(text)
    plain, quantities = read_quantities(_eased(rest))
    numbers = (_number(plain, quantity) for quantity in quantities if quantity.unit != UNREAD)
    return [*filter(None, named), *dates, *numbers]


def lost_facts(
    source: Sequence[Fact], target: Sequence[Fact], context: Sequence[Fact] = ()
) -> list[Fact]:
    """Finds the facts of a source that a target neither holds nor holds what was made of them.

    A figure that the source does not hold was made of two others, of source or context, if it is
    their sum, difference, product or quotient, twelve times that, or a hundredth.
    """
    pool = [fact for fact in (*source, *context) if fact.is_number]
    made = [t for t in target if t.is_number and not any(_is_same(f, t) for f in pool)]
    facts = [fact for fact in source if fact.unit != LOOSE]
    absent = [fact for fact in facts if not any(_is_same(fact, other) for other in target)]
    return [fact for fact in absent if not _is_used(fact, pool, made)]


def without(facts: Iterable[Fact], others: Sequence[Fact]) -> list[Fact]:
    """Leaves out facts that others are, too."""
    return [fact for fact in facts if not any(_is_same(fact, other) for other in others)]


def _is_same(fact: Fact, other: Fact) -> bool:
    if not (fact.is_number or other.is_number):
        pairs = product(fact.dates, other.dates)
        is_named = fact.unit == other.unit == "name" and fact.text == other.text
        return is_named or any(_is_same_date(*pair) for pair in pairs)
    if not (fact.is_number and other.is_number):
        return False
    return any(_is_rounded(value, other.value) for value in _values(fact, other))


def _is_same_date(date: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return all(0 in pair or pair[0] == pair[1] for pair in zip(date, other, strict=True))


def _values(fact: Fact, other: Fact) -> Iterator[float]:
    """Gives what a number is in the unit of another, if it can be one of it."""
    units = {fact.unit, other.unit}
    if len(units) == 1 or units & {*_UNITLESS}:
        yield fact.value
    if fact.unit == "percent" and other.unit == LOOSE:
        yield fact.value / 100
    if any(units <= alike for alike in _SCALED_ALIKE):
        yield fact.value * _SCALE[fact.unit] / _SCALE[other.unit]
    if fact.unit in MONEY and units <= {fact.unit, LOOSE}:  # a month, or a year
        yield from (fact.value * 12, fact.value / 12)


def _is_rounded(value: float, other: float) -> bool:
    """Whether a value is another, or was rounded to the other's digits, two at least."""
    off, digits = abs(other - value), len(f"{other:.12g}".replace(".", "").strip("0"))
    is_rounded = float(f"{value:.{max(2, digits)}g}") == other
    return off <= _EXACT * abs(value) or (is_rounded and off <= ROUNDING * abs(value))


def _is_used(fact: Fact, pool: Sequence[Fact], made: Sequence[Fact]) -> bool:
    if not fact.is_number:
        return False
    results = {result for other in pool if other is not fact for result in _computed(fact, other)}
    return any(
        abs(result - figure.value) <= _COMPUTED * abs(figure.value)
        for result in results
        for figure in made
    )


def _computed(fact: Fact, other: Fact) -> Iterator[float]:
    a, b = fact.value, other.value
    if fact.unit == other.unit:
        yield from (a + b, abs(a - b))
    for result in (a * b, *([a / b] if b else []), *([b / a] if a else [])):
        yield from (result, result / 100, result * 12)


# Reading


def _values_of(text: str) -> str:
    """Writes the values of a JSON object or array one after another."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return " ; ".join(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return text


def _leaves(value: object) -> Iterator[str]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _leaves(part)
    if not isinstance(value, (dict, list)):
        yield str(value)


def _named(name: str, text: str) -> Fact | None:
    pattern = r"\s+".join(map(re.escape, name.split()))
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.I)
    return Fact("name", 0, name) if match else None


def _number(text: str, quantity: Quantity) -> Fact:
    written = text[quantity.start : quantity.end]
    is_amount = "," in written or re.search(r"[^\W\d]", written)
    unit = (_AMOUNT if is_amount else LOOSE) if quantity.unit == "plain" else quantity.unit
    return Fact(unit, quantity.value, written.strip())


_EASED = (
    (re.compile(r"[*_`~≈<>≤≥|]"), " "),  # Markdown, about
    (re.compile(r"(?<=[\d%kKmM])\s?[-–—]\s?(?=[£$€]?\d)"), " to "),
    (re.compile(r"[-+'–](?=[£$€\d])"), " "),
    (re.compile(r"(?<=[\d%])['(]"), " "),
    (re.compile(r":(?=[£$€])"), ": "),
    (re.compile(r"\b[A-Z]{1,2}(?=[£$€])"), " "),  # US$
    (re.compile(r"\bGBP\s?(?=\d)"), "£"),
    (re.compile(r"\bUSD\s?(?=\d)"), "$"),
    (re.compile(r"\bEUR\s?(?=\d)"), "€"),
    (re.compile(r"(?<=\d)½"), ".5"),
    (re.compile(r"(?<=\d)(?:\s?pc\b|-per-?cent\b)", re.I), "%"),
    (re.compile(r"(?<=\d)mn\b"), "m"),
    (re.compile(r"(?<=years)'|(?<=months)'"), " "),
    (re.compile(r"\bhalf a year\b", re.I), "6 months"),
    (re.compile(r"\b(?:a|one) year and a half\b", re.I), "18 months"),
    (re.compile(r"(?<=\d)\.(?=[^\W\d]|[£$€])"), ". "),
)
"""What stands around a quantity, and would make it one that can be read in two ways."""


def _eased(text: str) -> str:
    for pattern, plain in _EASED:
        text = pattern.sub(plain, text)
    return text


_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month{n}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day{n}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year{n}>\d{{4}})(?!\d)"
_DATE = re.compile(
    rf"(?<![\w.,/-])(?:{_DAY}\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?".format(n=1)
    + rf"|{_MONTH}\s{_DAY}(?!\d)(?:,?\s{_YEAR})?".format(n=2)
    + rf"|{_MONTH},?\s{_YEAR}".format(n=3)
    + r"|(?P<year4>\d{4})[-/](?P<month4>\d\d)[-/](?P<day4>\d\d)(?!\d)"
    r"|(?P<day5>\d\d?)(?P<mark>[/.-])(?P<month5>\d\d?)(?P=mark)(?P<year5>\d{4}|\d\d)(?!\d))",
    re.I,
)


def _take_dates(text: str) -> tuple[str, list[Fact]]:
    """Reads the dates of a text, and puts blanks in their place."""
    dates = []

    def take(match: re.Match[str]) -> str:
        if possible := frozenset(_possible(match)):
            dates.append(Fact("date", 0, match[0].strip(" ,"), possible))
        return " ; " if possible else match[0]

    return _DATE.sub(take, text), dates


def _possible(match: re.Match[str]) -> Iterator[tuple[int, int, int]]:
    parts = {name.rstrip("12345"): value for name, value in match.groupdict().items() if value}
    year, day, month = (parts.get(name, "0") for name in ("year", "day", "month"))
    months = int(month) if month.isdigit() else 1 + _NAMES.index(month[:3].lower())
    orders = [(months, int(day))]
    if parts.get("mark") == "/":
        orders.append((int(day), months))
    for number, of_month in orders:
        if 1 <= number <= 12 and of_month <= 31:
            yield int(f"20{year}" if len(year) == 2 else year), number, of_month
