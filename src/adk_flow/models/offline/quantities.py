"""Finds numbers in a text, with what they count and the words around them."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from adk_flow.models.offline.words import words

_SCALES = {"k": 1e3, "thousand": 1e3, "grand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6}
_SCALES |= {"bn": 1e9, "billion": 1e9, "hundred": 100}
_SMALL_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty"
)
_TEN_WORDS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SPELT = {word: number for number, word in enumerate(_SMALL_WORDS.split("|"), 1)}
_SPELT |= {word: 10 * number for number, word in enumerate(_TEN_WORDS.split("|"), 2)}

_UNIT = r"""(?:
    (?P<percent>\s?%|[\s-]?(?:per\ ?cent|percent|pct)\b)
  | (?P<age>[\s-]years?[\s-]old\b)
  | (?P<years>[\s-]?(?:years?|yrs?)\b|y\b)
  | (?P<months>[\s-]?(?:months?|mths?)\b)
  | (?P<weeks>[\s-]?weeks?\b)
  | (?P<days>[\s-]?days?\b)
  | (?P<hours>[\s-]?(?:hours?|hrs?)\b)
  | (?P<minutes>[\s-]?(?:minutes?|mins?)\b)
  | (?P<money>\s?(?:pounds?|quid|gbp|dollars?|usd|euros?|eur)\b|p\b)
)"""
_PER = r"""(?:
    \s?(?:a|an|per|/|each|every)\s?(?P<per>month|year|annum|week|day)\b
  | \s?(?P<adverb>monthly|yearly|annually|pcm|p\.?a\b)
)"""
_NUMBER = re.compile(
    rf"""(?<![\w.:/])(?<!\d,(?=\d{{3}}))(?P<sign>(?<![\d)])-)?
    (?:(?P<currency>[£$€]|\b(?:gbp|usd|eur)\b)\s?)?
    (?:(?P<digits>[0-9]{{1,3}}(?:,[0-9]{{3}})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
      | (?P<tens>{_TEN_WORDS})(?:[\s-](?P<ones>{_SMALL_WORDS}))?\b | (?P<small>{_SMALL_WORDS})\b)
    (?:[\s-]?(?P<scale>thousand|million|billion|hundred|grand|bn|mn|k|m)\b)?
    {_UNIT}?{_PER}?(?![\w])""",
    re.I | re.X,
)
# Digits that are no quantity: dates, clock times, tax years, decimal commas (4,5 is 4.5 in German
# and two numbers in English) and the names of US pension plans.
_NOT_A_QUANTITY = re.compile(
    r"\b\d{1,2}[:/]\d{1,2}(?:/\d{2,4})?\b|\b(?:19|20)\d\d\s?[/–-]\s?\d{2,4}\b"
    r"|(?<![\d,])\d+,\d{1,2}(?![\d,])|\b40[13]\s?\(?[kb]\b",
    re.I,
)
_SAME_UNIT = re.compile(r"\s?(?:and|or|to|,|-|–)\s?", re.I)
_CALENDAR = re.compile(r"\b(?:in|by|since|until|before|after|year|from|of|for|during)\s+$", re.I)
_AGE = re.compile(r"\b(?:aged?|i'm|i am|i’m|turn(?:ing)?)\s+$", re.I)
_ACRONYM = re.compile(r"(?:\b[A-Z]{2,}|&\s?[A-Z])\s+$")
_CLAUSE_END = re.compile(r"[.;?!\n](?:\s|$)")
_SPELT_UNITS = ("years", "months", "weeks", "days", "percent", "money", "age", "hours", "minutes")

_MOST_DIGITS = 15
"""Longer numbers are names rather than amounts, and a float cannot hold them."""
_MOST = 20
"""Quantities that are read from one text."""
_WINDOW = 7
"""Words and commas on each side that may tell what a quantity is."""


@dataclass(frozen=True)
class Quantity:
    """A number in a text."""

    value: float
    unit: str
    """money, percent, years, months, weeks, days, hours, minutes, age, date, or plain."""
    per: str
    """month, year, week or day when it is a rate, else empty."""
    start: int
    end: int
    before: tuple[str, ...] = ()
    """The words and commas that lead up to it, back to the quantity before."""
    after: tuple[str, ...] = ()


@lru_cache(maxsize=512)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Finds the quantities of a text, in order."""
    barred = [match.span() for match in _NOT_A_QUANTITY.finditer(text)]
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        inside = any(start < match.end() and match.start() < end for start, end in barred)
        if not inside and (quantity := _quantity(match, text)):
            found.append(quantity)
        if len(found) == _MOST:
            break
    return tuple(_with_words(_with_units(found, text), text))


def _quantity(match: re.Match[str], text: str) -> Quantity | None:
    groups = match.groupdict()
    value = _value(groups)
    if value is None:
        return None
    unit = next(
        (unit for unit in _SPELT_UNITS if groups[unit]), "money" if groups["currency"] else ""
    )
    if groups["digits"] is None and not unit and not groups["scale"]:
        return None  # "one of them" is no quantity; "one year" is
    lead = text[: match.start()][-24:]
    if not unit and not groups["scale"]:
        if _ACRONYM.search(lead) and "," not in match[0]:
            return None  # FTSE 100, S&P 500: part of a name
        unit = _bare_unit(value, match[0], lead)
    per = _period((groups["per"] or groups["adverb"] or "").lower())
    return Quantity(value, unit or "plain", per, match.start(), match.end())


def _period(written: str) -> str:
    if written in ("monthly", "pcm"):
        return "month"
    return "year" if written in ("annum", "yearly", "annually", "pa", "p.a") else written


def _value(groups: dict[str, str | None]) -> float | None:
    if digits := groups["digits"]:
        number = digits.replace(",", "")
        if len(number) > _MOST_DIGITS:
            return None
        value = float(number)
    else:
        tens, small = groups["tens"] or "", groups["small"] or groups["ones"] or ""
        value = float(_SPELT.get(tens.lower(), 0) + _SPELT.get(small.lower(), 0))
    value *= _SCALES[scale.lower()] if (scale := groups["scale"]) else 1
    value = round(value, 6)  # 1.1 million is 1100000, not 1100000.0000000001
    return -value if groups["sign"] else value


def _bare_unit(value: float, written: str, lead: str) -> str:
    if _AGE.search(lead):
        return "age"
    is_year = written.strip().isdigit() and 1900 <= value <= 2100
    return "date" if is_year and _CALENDAR.search(lead) else ""


def _with_units(found: list[Quantity], text: str) -> list[Quantity]:
    """Gives the 2 in "2 or 3 years" its unit."""
    for number in range(len(found) - 2, -1, -1):
        first, second = found[number], found[number + 1]
        joined = _SAME_UNIT.fullmatch(text[first.end : second.start])
        if joined and first.unit == "plain" and second.unit not in ("money", "age"):
            found[number] = replace(first, unit=second.unit, per=second.per)
    return found


def _with_words(found: list[Quantity], text: str) -> list[Quantity]:
    """Adds to each quantity the words between its neighbours, within its sentence."""
    completed = []
    for number, quantity in enumerate(found):
        left = found[number - 1].end if number else 0
        right = found[number + 1].start if number + 1 < len(found) else len(text)
        before = _CLAUSE_END.split(text[max(left, quantity.start - 100) : quantity.start])[-1]
        after = _CLAUSE_END.split(text[quantity.end : min(right, quantity.end + 100)])[0]
        around = _tokens(before)[-_WINDOW:], _tokens(after)[:_WINDOW]
        completed.append(replace(quantity, before=around[0], after=around[1]))
    return completed


def _tokens(text: str) -> tuple[str, ...]:
    marked = re.sub(r"\s*[,;:–—()]\s*", " , ", text)
    return tuple(word for token in marked.split() for word in (words(token) or [","]))
