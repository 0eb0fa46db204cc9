"""Reads problems of one shape: quantities at prices each, plus charges, in one store or several.

Whatever is a number has to have its place, and no word may be left over that alters a price;
otherwise the text is not read at all, because a likely total is worse than none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from adk_flow.models.offline.leftovers import OPEN_NUMBER, Taken, check
from adk_flow.models.offline.numerals import Numeral, numerals, single_currency
from adk_flow.models.offline.places import Place, places
from adk_flow.models.offline.purchases import (
    COUNT,
    LINE,
    MONEY,
    STORE,
    Found,
    Purchase,
    UnclearError,
    next_purchase,
)
from adk_flow.models.offline.sums import ADD, Sum, Term

__all__ = ["Bill", "Store", "UnclearError", "read_bill"]

_MINUS = re.compile(r"(?P<minus>(?:^|(?<=[\s(:,;=@]))[-–]|−\s*)$")


@dataclass
class Store:
    """What is to be paid in one store."""

    name: str = ""
    purchases: list[Purchase] = field(default_factory=list)

    @property
    def total(self) -> Term:
        """What it comes to."""
        terms = tuple(one.term for one in self.purchases)
        return terms[0] if len(terms) == 1 else Sum(ADD, terms)

    def told(self, currency: str) -> str:
        """Writes it so that it is read as the same again."""
        listed = ", ".join(one.told(currency) for one in self.purchases)
        return f"{self.name}: {listed}." if self.name else f"{listed}."


@dataclass(frozen=True)
class Bill:
    """A whole problem."""

    stores: tuple[Store, ...]
    currency: str


@lru_cache(maxsize=256)
def read_bill(text: str) -> Bill:
    """Reads a shopping problem.

    Raises:
      UnclearError: Something in it is not of this shape.
    """
    text = re.sub("[\ue000-\uf8ff]", "", text)
    reader = _Reader(text)
    stores = reader.read()
    if not any(one.count is not None for store in stores for one in store.purchases):
        raise UnclearError("a quantity with its price")
    currency = single_currency(list(reader.numerals.values()))
    if currency is None:
        raise UnclearError("sums in several currencies")
    nouns = [one.noun for store in stores for one in store.purchases]
    check(reader.rest, reader.numerals, Taken(nouns, len(stores), currency))
    return Bill(tuple(stores), currency)


class _Reader:
    """Takes purchase after purchase out of a text."""

    def __init__(self, text: str) -> None:
        named = places(text)
        self.places: dict[str, Place] = dict(zip(_signs(STORE), named, strict=False))
        text = _masked(text, list(zip(self.places, named, strict=True)))
        found = numerals(text)
        _refuse_negatives(text, found)
        money, counts = _signs(MONEY), _signs(COUNT)
        signs = [next(money if one.is_money else counts) for one in found]
        self.numerals: dict[str, Numeral] = dict(zip(signs, found, strict=True))
        self.text = _masked(text, list(zip(signs, found, strict=True)))
        self.rest = ""
        """What is left over, with a sign where each purchase stood."""
        self._stores: list[Store] = []

    def read(self) -> list[Store]:
        """Reads all purchases, store by store."""
        at = 0
        while found := next_purchase(self.text, at, self.numerals):
            self._pass(self.text[at : found.start])
            self._take(found)
            self.rest += LINE
            at = found.end
        self._pass(self.text[at:])
        return [store for store in self._stores if store.purchases]

    def _pass(self, between: str) -> None:
        for sign in re.findall(STORE, between):
            self._enter(sign)
        self.rest += between

    def _enter(self, sign: str) -> None:
        """Comes to a store, for the first time or again, or learns where it has been so far."""
        name = self.places[sign].name[:1].upper() + self.places[sign].name[1:]
        known = [one for one in self._stores if one.name.lower() == name.lower()]
        if known:
            self._stores.remove(known[0])
            self._stores.append(known[0])
        elif self._stores and not self._stores[-1].name:
            self._stores[-1].name = name
        else:
            self._stores.append(Store(name))

    def _take(self, found: Found) -> None:
        if found.purchase is None:
            return
        if found.store:
            self._enter(found.store)
        is_next = bool(self._stores and self._stores[-1].name and self._stores[-1].purchases)
        if not self._stores or (is_next and not found.is_charge and not self._leads_with_store):
            self._stores.append(Store())
        self._stores[-1].purchases.append(found.purchase)

    @property
    def _leads_with_store(self) -> bool:
        """Tells whether stores are named before what is bought there, not after."""
        store, number = re.search(STORE, self.text), OPEN_NUMBER.search(self.text)
        return bool(store and number and store.start() < number.start())


def _refuse_negatives(text: str, found: Sequence[Numeral]) -> None:
    """Refuses "-3 pens"; the dash of "Baker - 3 rolls" stands apart."""
    for one in found:
        if sign := _MINUS.search(text[: one.start]):
            raise UnclearError(f"“{sign['minus']}{text[one.start : one.end].strip()}”")


def _signs(pattern: str) -> Iterator[str]:
    """Gives one sign after the other of a range."""
    return map(chr, range(ord(pattern[1]), ord(pattern[3]) + 1))


def _masked(text: str, signed: Sequence[tuple[str, Place | Numeral]]) -> str:
    for sign, one in reversed(signed):
        text = f"{text[: one.start]}{sign}{text[one.end :]}"
    return text
