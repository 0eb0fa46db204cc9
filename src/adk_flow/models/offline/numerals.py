"""Finds every number of a sum in a text, however it is written, so that none is overlooked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adk_flow.models.offline.words import words

_ONES = words(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen"""
)
_TENS = words("twenty thirty forty fifty sixty seventy eighty ninety")
_SPELT = {word: number for number, word in enumerate(_ONES, 1)}
_SPELT |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_SIGNS = {"pound": "£", "quid": "£", "gbp": "£", "dollar": "$", "usd": "$", "euro": "€", "eur": "€"}
_NAMES = "pounds?|quid|gbp|dollars?|usd|euros?|eur"
_TEN, _ONE = "|".join(_TENS), "|".join(_ONES)
_NUMERAL = re.compile(
    rf"""(?<![\w.,])(?:(?P<sign>[£$€])\s?)?
    (?:(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<scale>k)?
      | (?P<tens>{_TEN})(?:[\s-](?P<ones>{_ONE}))?\b | (?P<small>{_ONE})\b)
    (?:(?P<percent>\s?(?:%|per\s?cent\b|percent\b))|(?P<pence>\s?p\b|\s(?:pence|penny)\b)
      |(?P<cents>\s?¢|\s?c\b|\s(?:cents?)\b)|(?:\s?(?P<name>{_NAMES})\b(?!\s+of\b))|(?P<after>[£€$](?!\d)|\s[£€$](?!\s?\d)))?
    (?![\d%]|,\d)""",
    re.I | re.X,
)


@dataclass(frozen=True)
class Numeral:
    """A number as it stands in a text."""

    value: float
    currency: str
    """A currency sign; empty for a mere number, `%` for a share."""
    start: int
    end: int
    is_spelt: bool = False

    @property
    def is_money(self) -> bool:
        """Tells whether it is a sum of money."""
        return self.currency in ("£", "$", "€")

    @property
    def is_count(self) -> bool:
        """Tells whether it may count things."""
        return not self.currency and self.value == int(self.value)


def numerals(text: str) -> tuple[Numeral, ...]:
    """Finds the numbers of a text, in order."""
    return tuple(_numeral(match) for match in _NUMERAL.finditer(text))


def _numeral(match: re.Match[str]) -> Numeral:
    groups = match.groupdict()
    if groups["digits"]:
        value = float(groups["digits"].replace(",", "")) * (1000 if groups["scale"] else 1)
    else:
        spelt = [groups[name] or "" for name in ("tens", "ones", "small")]
        value = float(sum(_SPELT.get(word.lower(), 0) for word in spelt))
    currency = _currency(groups)
    if groups["pence"] or groups["cents"]:
        value = round(value / 100, 6)
    return Numeral(value, currency, *match.span(), is_spelt=not groups["digits"])


def _currency(groups: dict[str, str | None]) -> str:
    if groups["percent"]:
        return "%"
    if groups["pence"]:
        return "£"
    if groups["cents"]:
        return "$"
    name = (groups["name"] or "").lower().removesuffix("s")
    return groups["sign"] or (groups["after"] or "").strip() or _SIGNS.get(name, "")


def amount(value: float, currency: str) -> str:
    """Writes a number, or a sum of money with its pence if there are any: £1,250 or £2.50."""
    if not currency:
        return f"{Decimal(str(value)):,f}".removesuffix(".0")
    # A price of £0.125 must not be read as £0.13; a third of a pound need not be read at all.
    is_exact = round(value, 2) != value and round(value, 4) == value
    return (
        f"{currency}{value:,.4f}" if is_exact else f"{currency}{value + 0:,.2f}".removesuffix(".00")
    )


_QUANTIFIERS = frozenset(
    words("half halves quarter quarters twice thrice double triple dozen dozens couple hundred")
    + words("hundreds thousand thousands million zero third thirds fifth tenth both several many")
)


def has_number(text: str) -> bool:
    """Tells whether a text speaks of any number, be it in a word."""
    return bool(numerals(text)) or not _QUANTIFIERS.isdisjoint(words(text))


def single_currency(found: Sequence[Numeral]) -> str | None:
    """Returns the one currency of all sums of money, empty if there are none; None if they mix."""
    currencies = {one.currency for one in found if one.is_money}
    return None if len(currencies) > 1 else next(iter(currencies), "")
