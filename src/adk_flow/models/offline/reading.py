"""A text read as words and quantities."""

import re
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from adk_flow.analysis.quantities import Quantity, blank_out, read_quantities
from adk_flow.models.request.words import split_words

import_module("text_to_num")  # without which the model would read half of what is said

_WORD = re.compile(r"[^\W_\d]+(?:'[^\W_]+)*")


class Word(NamedTuple):
    """A word of a text, in lower case."""

    text: str
    start: int
    end: int


class Reading(NamedTuple):
    """A text with its quantities, and its words that are in none of them."""

    text: str
    quantities: tuple[Quantity, ...]
    words: tuple[Word, ...]


@lru_cache(maxsize=512)
def read(text: str) -> Reading:
    """Reads a text; each of its digits is in a quantity, and number words are digits."""
    plain, quantities = read_quantities(text)
    words = (
        Word(split_words(match[0])[0], match.start(), match.end())
        for match in _WORD.finditer(blank_out(plain, quantities))
    )
    return Reading(plain, quantities, tuple(words))
