"""The quantities of a text; digits that can be read in two ways are kept unread."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

UNREAD = "unread"
"""The unit of digits that are no quantity this module is sure of, such as 5-6% or £250.000."""
CURRENCIES = {"£": "pounds", "$": "dollars", "€": "euros"}
MONEY = frozenset(CURRENCIES.values())
PERIODS = {
    **dict.fromkeys(("month", "monthly", "pcm", "pm"), "month"),
    **dict.fromkeys(("year", "yr", "yearly", "annum", "annual", "annually", "pa"), "year"),
    **dict.fromkeys(("week", "weekly"), "week"),
    **dict.fromkeys(("day", "daily"), "day"),
}

_SCALES = {"hundred": 100, "k": 1e3, "grand": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_SCALES |= {"bn": 1e9, "billion": 1e9}
_UNITS = {
    "percent": r"\s?%|[\s-]?(?:per\s?cent|percent)\b",
    "age": r"[\s-]years?[\s-]old\b",
    "years": r"[\s-]?(?:years?|yrs?)\b",
    "months": r"[\s-]?(?:months?|mths?)\b",
    "weeks": r"[\s-]?weeks?\b",
    "days": r"[\s-]?(?:days?|nights?)\b",
    "hours": r"[\s-]?(?:hours?|hrs?)\b",
    "minutes": r"[\s-]?(?:minutes?|mins?)\b",
    "pounds": r"\s?(?:pounds?|quid|gbp)\b",
    "dollars": r"\s?(?:dollars?|usd)\b",
    "euros": r"\s?(?:euros?|eur)\b",
}
_NUMBER = re.compile(
    rf"""(?:\b(?P<lead>over|for|across|in|after|within|during)\s
      (?:(?:a|the|the\snext|a\speriod\sof|a\sterm\sof)\s)?)?
    (?<![\w.,:/'+*^~<>≤≥£$€-])(?:(?P<currency>[£$€])\s?)?
    (?P<digits>\d{{1,3}}(?:,\d{{3}})+|\d{{1,3}}(?:\ \d{{3}})+|\d+)(?P<fraction>\.\d+)?
    (?:(?P<letter>k|m|bn)\b|[\s-]?(?P<scale>hundred|thousand|million|billion|grand)\b)?
    (?:{"|".join(f"(?P<{name}>{written})" for name, written in _UNITS.items())})?
    (?:\s?(?:(?:a|an|per|each|every|/)\s?(?:calendar\s)?(?P<per>month|year|yr|annum|week|day)
      |(?P<rate>monthly|yearly|annual(?:ly)?|weekly|daily|pcm|pm|pa))(?!\w))?
    (?![\w%'^*+(]|[.,:/-][£$€\w])""",
    re.I | re.X,
)


class Quantity(NamedTuple):
    """A number in a text."""

    value: float
    unit: str
    """percent, age, a currency, a duration, plain, or unread."""
    per: str
    """month, year, week or day when it is a rate, else empty."""
    lead: str
    """The word that leads up to a duration: over, for, in, after."""
    start: int
    end: int


@lru_cache(maxsize=512)
def read_quantities(text: str) -> tuple[str, tuple[Quantity, ...]]:
    """Reads a text whose number words are digits; each of its digits is in a quantity.

    Number words need text2num (extra `offline`), and are words without it.
    """
    plain = _in_digits(re.sub(r"[\u00a0\u2009\u202f]", " ", text).translate({8217: "'", 8211: "-"}))
    quantities = [_quantity(match) for match in _NUMBER.finditer(plain)]
    unread = [match.span() for match in re.finditer(r"\S*\d\S*", blank_out(plain, quantities))]
    quantities += [Quantity(0, UNREAD, "", "", start, end) for start, end in unread]
    return plain, tuple(sorted(quantities, key=lambda quantity: quantity.start))


def _in_digits(text: str) -> str:
    joined = re.sub(r"(?<=\d)[ -](?=(?:hundred|thousand|million|billion)\b)", "", text)
    try:
        from text_to_num import alpha2digit
    except ImportError:
        return joined
    return alpha2digit(joined, "en") if joined.strip() else joined


def blank_out(text: str, quantities: Iterable[Quantity]) -> str:
    """Puts blanks in the place of quantities."""
    pieces, end = [], 0
    for quantity in sorted(quantities, key=lambda quantity: quantity.start):
        pieces += [text[end : quantity.start], " " * (quantity.end - max(end, quantity.start))]
        end = max(end, quantity.end)
    return "".join([*pieces, text[end:]])


def _quantity(match: re.Match[str]) -> Quantity:
    groups = match.groupdict()
    sign = CURRENCIES.get(groups["currency"] or "", "")
    named = next((name for name in _UNITS if groups[name]), sign)
    is_duration = bool(named) and named not in MONEY | {"percent", "age"}
    digits, fraction = groups["digits"], groups["fraction"] or ""
    scale = (groups["letter"] or groups["scale"] or "").lower()
    # Thousands need no comma where a currency shows that it is one number; pence have two places.
    is_clear = (not sign or sign == named) and (named in MONEY or " " not in digits)
    is_clear &= named not in MONEY or bool(scale) or len(fraction) <= 3
    is_clear &= len(digits) + len(fraction) <= 15  # a float holds no more
    number = float(re.sub(r"[, ]", "", digits) + fraction) if is_clear else 0
    start = match.start("currency" if groups["currency"] else "digits")
    return Quantity(
        round(number * _SCALES.get(scale, 1), 6),
        (named or "plain") if is_clear else UNREAD,
        PERIODS.get((groups["per"] or groups["rate"] or "").lower(), ""),
        (groups["lead"] or "").lower() if is_duration else "",
        match.start() if is_duration else start,
        match.end(),
    )
