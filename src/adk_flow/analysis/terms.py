"""Numbers and distinctive words of a text, by which one text is looked for in another."""

from __future__ import annotations

import re
from typing import NamedTuple

from adk_flow.log.schema import PREVIEW

ROUNDING = 0.01
"""By how much of itself a number may be off and still be the same: £1,043.29 told as £1,043."""

_NUMBER = re.compile(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?")
# Scripts that put spaces between words; in the others a match would be a whole clause.
_WORD = re.compile(r"[A-Za-z\u00c0-\u04ff]{4,}")
_STEM = 5
"""Letters by which two words are the same, so that an ending does not make them differ."""
_OFTEN = """
about after also been before could does from have here into just like more much need only
over please should some than that their them then there these they this those under very
want well were what when where which while will with would your
"""
_COMMON = frozenset(_OFTEN.split())


class Terms(NamedTuple):
    """What is told of a text."""

    numbers: frozenset[float]
    words: frozenset[str]

    def without(self, other: Terms) -> Terms:
        """Takes away what another text holds too."""
        return Terms(self.numbers - other.numbers, self.words - other.words)

    def shares(self, other: Terms) -> bool:
        """Whether both hold one and the same number or word."""
        return bool(self.words & other.words) or self.shares_number(other)

    def shares_number(self, other: Terms) -> bool:
        """Whether both hold one and the same number, be it rounded."""
        return any(
            abs(number - rounded) <= ROUNDING * abs(number)
            for number in self.numbers
            for rounded in other.numbers
        )


def terms_of(*texts: str) -> Terms:
    """Reads the numbers and distinctive words of texts."""
    whole = "\n".join(texts)
    numbers = (float(number.replace(",", "")) for number in _NUMBER.findall(whole))
    words = {word.casefold() for word in _WORD.findall(whole)} - _COMMON
    return Terms(frozenset(numbers), frozenset([word[:_STEM] for word in words]))


def is_whole(text: str) -> bool:
    """Whether a log kept all of a text that is known to have had words."""
    return bool(text) and not (len(text) > PREVIEW and text.endswith("…"))
