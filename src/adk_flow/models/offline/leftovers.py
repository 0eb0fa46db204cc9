"""Checks what is left of a shopping problem once all purchases are taken out of it.

No number may be left, no word that alters a price, and nothing that asks for a part of the whole.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from adk_flow.models.offline.numerals import Numeral, amount
from adk_flow.models.offline.parts import is_question
from adk_flow.models.offline.places import PLACES
from adk_flow.models.offline.purchases import COUNT, LINE, NUMBER, STORE, UnclearError
from adk_flow.models.offline.words import stem, stems, words

_ALTERS = frozenset(
    words(
        """discount discounts discounted off voucher coupon reduced reduction refund refunded
        refunds return returns returned rebate minus less fewer more than half quarter twice
        double triple dozen average another again unless except instead not without change left
        remain remaining leftover save saves saved savings profit earn earns earned gain split
        share shares shared divide divided between times percent vat cheaper cheapest difference
        compare compared many until over above under below free hour hours day days week weeks
        month months year years minute minutes rate interest lost broke gave gives give away ate
        budget afford owes lend don't doesn't didn't won't isn't aren't least most same daily
        weekly monthly yearly annual annually fortnight fortnights night nights rounded nearest
        sent back cancel cancelled removed swapped excluding exclude excludes before ignore
        ignoring note coupons vouchers deposit deposits negative"""
    )
)
_ALTERS_BESIDE_NUMBERS = frozenset(words("each every per both only if all apiece or either but"))
_SEVERAL = frozenset(words("they them their"))
"""Words that may mean one store or all of them."""
_CURRENCIES = {"pounds": "£", "dollars": "$", "euros": "€"}
_HARMLESS = re.compile(
    r"\bin all\b|\bif\s+(?:\w+\s+){1,3}?(?:buys?|bought|orders?|ordered|gets?|takes?|purchased?)\b"
    r"|\b(?:(?:it|this|that)\s+all|all\s+(?:of\s+)?(?:it|this|that))\s+(?:come\s+to|cost|add\s+up)\b"
    rf"|\ball\s+(?:of\s+)?(?:the\s+|these\s+|those\s+)?(?={COUNT}?{PLACES.pattern})",
    re.I,
)
_SENTENCE_END = re.compile(r"(?<=[.?!;])\s+|\n+")
OPEN_NUMBER = re.compile(rf"{NUMBER}(?!{PLACES.pattern})|{LINE}", re.I)
"""A number that does not count stores, or a purchase."""


class Taken(NamedTuple):
    """What was found in the text."""

    nouns: Sequence[str]
    """What is bought."""
    stores: int
    currency: str


def check(rest: str, numerals: Mapping[str, Numeral], taken: Taken) -> None:
    """Makes sure that nothing left over says more.

    Args:
      rest: The text, with signs for its numbers, stores and purchases.
      numerals: The numbers by sign.
      taken: What was found.

    Raises:
      UnclearError: Something does; the reason quotes it.
    """
    bought = [words(noun) for noun in taken.nouns]
    _refuse([word for noun in bought for word in noun], _ALTERS)
    beside = _ALTERS_BESIDE_NUMBERS | (_SEVERAL if taken.stores > 1 else set())
    for sentence in _SENTENCE_END.split(_HARMLESS.sub("", rest)):
        for sign in re.finditer(NUMBER, sentence):
            numeral, after = numerals[sign[0]], sentence[sign.end() :]
            if not PLACES.match(after) or numeral.value != taken.stores:
                raise UnclearError(f"“{_quoted(numeral, after)}”")
        said = words(sentence)
        _refuse(said, _ALTERS)
        _refuse(said, {word for word, sign in _CURRENCIES.items() if sign != taken.currency})
        if OPEN_NUMBER.search(sentence):
            _refuse(said, beside)
        elif is_question(sentence):
            _refuse_parts(sentence, bought, taken.stores)
        if re.search(r"\d|[£$€%]", sentence):
            raise UnclearError(f"“{re.sub(LINE, '…', sentence).strip()}”")


def _refuse(said: Sequence[str], barred: Collection[str]) -> None:
    if told := next((word for word in said if word in barred), ""):
        raise UnclearError(f"“{told}”")


def _refuse_parts(sentence: str, bought: Sequence[Sequence[str]], stores: int) -> None:
    """Refuses a question about some of what is bought, or about one store of several."""
    said, kinds = stems(sentence), [stem(noun[-1]) for noun in bought if noun]
    asked = {kind for kind in kinds if kind in said}
    named = set(re.findall(STORE, sentence))
    if (asked and asked != set(kinds)) or (stores > 1 and 0 < len(named) < stores):
        raise UnclearError("whether all of it is asked for, or a part")


def _quoted(numeral: Numeral, after: str) -> str:
    percent = numeral.currency == "%"
    told = amount(numeral.value, "" if percent else numeral.currency) + "%" * percent
    noun = re.match(r"\s+[^\W\d_\ue000-\uf8ff]+", after)
    return told + (noun[0] if noun else "")
