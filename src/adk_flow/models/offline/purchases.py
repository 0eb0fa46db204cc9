"""Finds what is to be paid: quantities at prices each, single things, charges.

Numbers stand in the text as one sign each, those of money apart from the others, so that a pattern
says in a line how people write.
"""

import re
from dataclasses import dataclass
from typing import Any

from adk_flow.models.offline.measures import measure
from adk_flow.models.offline.numerals import Numeral, amount
from adk_flow.models.offline.places import PLACES
from adk_flow.models.offline.sums import MULTIPLY, Sum, Term
from adk_flow.models.offline.words import STOP_WORDS, stem, words

MONEY, COUNT, STORE, LINE = "[\ue000-\ue7ff]", "[\ue800-\uefff]", "[\uf000-\uf7ff]", "\uf8fe"
NUMBER = "[\ue000-\uefff]"

_STOP = (
    "and|or|plus|with|at|for|that|which|from|costing|costs?|priced|worth|each|per|an?|the|is|are|was"
    "|were|on|to|by|in|into|i|we|he|she|they|you|it|them|also|then|buys?|bought|gets?|orders?|half"
    "|ordered|dozens?|more|less|fewer|as|than|apiece|but|my|our|their|his|her|free|no|not|of|x|total|price"
)
_WORD = rf"(?!(?:{_STOP})\b)[^\W\d_\ue000-\uf8ff][\w’'/&-]*"
NOUN = rf"{_WORD}(?:\s+(?:of\s+)?{_WORD}){{0,5}}"
_EACH = (
    rf"(?P<each>each|apiece|a\s?piece|a\s+pop|ea\b\.?|(?:(?:per|an?)\s+|/\s*)"
    rf"(?P<unit>(?:(?:square|sq|cubic|fl|fluid)\s+)?{_WORD}))"
)
_AT = r"(?P<at>(?:priced\s+)?(?:at|@)(?:\s+(?:a\s+)?(?:price|cost)\s+of)?|x|×|\*)"
_LINK = rf"(?:{_AT}|for|costing|costs?|priced|worth|\(|,|-|–|:|=)"
_IN_ALL = r"(?P<whole>in\s+total|in\s+all|altogether|for\s+the\s+lot)"
_CHARGE = (
    r"(?:(?:flat|standard|express|booking|gift|service|handling|shipping|delivery|packing|postal"
    r"|order|processing|extra|additional|fixed|small)[\s-]+)*"
    r"(?:shipping|delivery|postage|handling|packaging|packing|gift-?\s?wrap(?:ping)?|wrapping"
    r"|insurance|fees?|(?:sur)?charge|tip|carriage|freight|p&p|parking|toll|tax|service)"
    r"(?:\s+(?:and\s+(?:handling|packing|packaging|delivery)|fees?|charges?))*"
)
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (
            "item",
            rf"(?P<count>{COUNT})(?!{PLACES.pattern})\s*(?:(?:x|×|\*)\s*(?=[^\W\d_\ue000-\uf8ff]))?"
            rf"(?P<noun>{NOUN})?\s*,?\s*(?:(?:which|that)\s+(?:(?:are|were)\s+)?)?(?P<early>each\s+)?"
            rf"{_LINK}?\s*(?:only\s+|just\s+)?(?P<late>each\s+)?(?P<price>{NUMBER})"
            rf"(?:\s*{_EACH}|\s+{_IN_ALL})?",
        ),
        (
            "item",
            rf"(?P<price>{MONEY})\s*(?:{_EACH}\s*,?\s*(?:for|on)?|(?P<at>x|×|\*))\s*"
            rf"(?P<count>{COUNT})\s*(?P<noun>{NOUN})?",
        ),
        ("one", rf"\b(?:an?|the)\s+(?P<noun>{NOUN})\s*{_LINK}\s*(?P<price>{MONEY})"),
        (
            "charge",
            rf"\b(?P<noun>{_CHARGE})\s*(?:(?:to|at|for|from)\s+)?(?P<store>{STORE})?\s*"
            r"(?:is|are|was|were|of|costs?(?:\s+of)?|comes?\s+to|adds?|at|for|:|=|,|\(|-|–)?\s*"
            rf"(?:(?:an?|another|only|just|extra|flat)\s+)*(?P<price>{NUMBER})",
        ),
        (
            "charge",
            rf"(?P<price>{NUMBER})\s*-?(?:\s*(?:for|of|in|on|as|towards)\s+)?(?:(?:the|an?)\s+)?"
            rf"(?P<noun>{_CHARGE})\b",
        ),
        ("one", rf"(?P<price>{MONEY})\s+(?:for|on)\s+(?:an?|the|my)\s+(?P<noun>{NOUN})"),
        ("free", rf"\b(?:free|no)\s+(?:{_CHARGE})\b|\b(?:{_CHARGE})\s+(?:(?:is|was)\s+)?free\b"),
    )
)
_AFTER = re.compile(rf"\s+({NOUN})", re.I)
_BEFORE = re.compile(rf"(?<![\w’'/&-])({NOUN})\s*[:=–-]?\s*$", re.I)
_NO_NOUN = STOP_WORDS | frozenset(words("add amount calculate come find pay solve spend work"))
_ANY_UNIT = frozenset(words("item piece unit one head"))


class UnclearError(Exception):
    """A text that is not wholly of this shape; the reason quotes what is not."""


@dataclass(frozen=True)
class Purchase:
    """One thing to pay."""

    noun: str
    price: float
    count: float | None = None
    """None for a charge."""
    is_whole: bool = False
    """The price is for all of them."""

    @property
    def term(self) -> Term:
        """What it comes to."""
        if self.count is None or self.count == 1 or self.is_whole:
            return self.price
        return Sum(MULTIPLY, (self.count, self.price))

    def told(self, currency: str) -> str:
        """Writes it so that it is read as the same again."""
        price = amount(self.price, currency)
        if self.count is None:
            return f"{self.noun} {price}"
        unit = measure(self.noun)
        each = "" if self.count == 1 else f"per {unit}" if unit else "each"
        link, end = ("for", "in total") if self.is_whole else ("at", each)
        return " ".join(f"{amount(self.count, '')} {self.noun} {link} {price} {end}".split())


@dataclass(frozen=True)
class Found:
    """A purchase where it stands in a text; none where a charge is free."""

    purchase: Purchase | None
    is_charge: bool
    start: int
    end: int
    store: str = ""
    """The sign of the store that it names itself."""


def next_purchase(text: str, at: int, numerals: dict[str, Numeral]) -> Found | None:
    """Finds the purchase that begins first.

    Args:
      text: The text, with signs for its numbers and stores.
      at: Where to begin.
      numerals: The numbers by sign.

    Raises:
      UnclearError: It is not certain what a price is for.
    """
    matches = [(kind, one) for kind, pattern in _PATTERNS if (one := pattern.search(text, at))]
    if not matches:
        return None
    kind, match = min(matches, key=lambda found: found[1].start())
    groups: dict[str, Any] = match.groupdict()
    start, end = match.span()
    if kind != "free" and measure(unit := text[match.end("price") :].lstrip()):  # "2 x 500 ml"
        price = numerals[groups["price"]]
        raise UnclearError(f"“{amount(price.value, price.currency)} {unit.split()[0]}”")
    if kind == "free":
        return Found(None, True, start, end)
    if groups["noun"] is None:
        after, before = _AFTER.match(text, end), _BEFORE.search(text[at:start])
        if after and after[1].split()[0].lower() not in _NO_NOUN:  # "two £5 tickets"
            groups |= {"noun": after[1], "early": True}
            end = after.end()
        elif before and _NO_NOUN.isdisjoint(before[1].lower().split()):  # "tickets: 2 × £5"
            groups["noun"] = before[1].rstrip("-")
    purchase = _purchase(kind, groups, numerals)
    return Found(purchase, kind == "charge", start, end, groups.get("store") or "")


def _purchase(kind: str, groups: dict[str, Any], numerals: dict[str, Numeral]) -> Purchase:
    price, noun = numerals[groups["price"]], " ".join((groups["noun"] or "").split())
    if kind != "item":
        _refuse_shares(price)
        return Purchase(noun, price.value, 1 if kind == "one" else None)
    count = numerals[groups["count"]]
    _refuse_shares(price, count)
    says_each = any(groups.get(name) for name in ("each", "early", "late"))
    if groups.get("whole") and count.value:
        return Purchase(noun, price.value, count.value, is_whole=True)
    if says_each or count.value != 1:
        _check_unit(noun, groups["unit"] or "", price, count)
    is_single = count.value == 1 and price.is_money
    if groups.get("whole") or not (says_each or groups.get("at") or is_single):
        raise _of_one_or_all("for one", price, count, "")
    return Purchase(noun, price.value, count.value)


def _check_unit(noun: str, unit: str, price: Numeral, count: Numeral) -> None:
    """Makes sure that a price is for one of what is counted; for a measure it has to say so."""
    measured = measure(noun)
    if measured and not unit:
        raise _of_one_or_all(f"per {measured}", price, count, noun)
    if unit and not (measure(unit) == measured if measured else _is_unit_of(unit, noun)):
        raise UnclearError(f"“per {unit}”")


def _of_one_or_all(one: str, price: Numeral, count: Numeral, noun: str) -> UnclearError:
    told = amount(price.value, price.currency), amount(count.value, "")
    return UnclearError(f"whether {told[0]} is {one} or for all {told[1]} {noun}".strip())


def _refuse_shares(*found: Numeral) -> None:
    for numeral in found:
        if numeral.currency == "%":
            raise UnclearError(f"“{amount(numeral.value, '')}%”")


def _is_unit_of(unit: str, noun: str) -> bool:
    known = {stem(word) for word in words(noun)}
    return stem(unit.lower()) in known or unit.lower() in _ANY_UNIT
