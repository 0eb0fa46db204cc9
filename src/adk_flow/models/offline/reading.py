"""A text read as words and quantities, and the choices, truths and names that it mentions."""

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from adk_flow.analysis.quantities import Quantity, blank_out, read_quantities
from adk_flow.models.request.functions import Parameter
from adk_flow.models.request.words import spell_out, split_words, stem

import_module("text_to_num")  # without which the model would read half of what is said

_WORD = re.compile(r"[^\W_\d]+(?:'[^\W_]+)*")
NEGATIONS = frozenset(
    split_words("not no never neither nor without isn't aren't wasn't don't doesn't won't didn't")
)
_YES, _NO = split_words("yes yeah yep true"), split_words("no nope not false")

_PROPER = r"[A-Z][\w'’.-]*(?:\s+(?:of\s+|de\s+|the\s+)?[A-Z][\w'’-]*)*"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*"
_WHEN = re.compile(
    rf"\b(\d{{4}}-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:\s+\d{{4}})?|{_MONTH}\s+\d{{1,2}}"
    r"|today|tonight|tomorrow|(?:next|this) (?:week|month|year)"
    r"|(?:next |this )?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|\d{1,2}[:.]\d\d(?:\s?[ap]m)?|\d{1,2}\s?[ap]m)\b",
    re.I,
)
_CODE = re.compile(r"\b((?=[\w-]*\d)[\w-]{2,})\b")
_QUOTE = re.compile(r"[\"“]([^\"”]{1,200})[\"”]")
_BY_NAME = {
    **dict.fromkeys(("date", "day", "time", "when"), _WHEN),
    **dict.fromkeys(("id", "number", "code", "reference", "key", "sku"), _CODE),
}
_AFTER = {
    **dict.fromkeys(("from", "origin", "source", "start", "departure"), "from|leaving"),
    **dict.fromkeys(("to", "destination", "target", "arrival", "end"), "to|into"),
}
_ANYWHERE = "in|at|near|for|to|from|of|about|into|around|called|named|is"


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


def sayings(text: str) -> list[str]:
    """Returns what stands in quotes in a description: how people say it."""
    return re.findall(r'"([^"]+)"', text)


def find_mentions(saying: str, reading: Reading) -> list[tuple[Word, ...]]:
    """Returns the places where all words of a saying stand one after the other."""
    parts = list(map(stem, split_words(saying)))
    spoken, size = [stem(word.text) for word in reading.words], len(parts)
    places = range(len(spoken) - size + 1) if parts else ()
    return [reading.words[n : n + size] for n in places if spoken[n : n + size] == parts]


def truth(parameter: Parameter, reading: Reading) -> tuple[set[bool], list[Word]]:
    """Finds what a text says of a truth, and in which words; more than one answer is no answer."""
    yes, _, no = parameter.description.partition("False")
    said = [(True, spell_out(parameter.name)), *((True, words) for words in sayings(yes))]
    said += [(False, words) for words in sayings(no)]
    given: set[bool] = set()
    used: list[Word] = []
    for is_so, saying in sorted(said, key=lambda pair: -len(pair[1])):
        for mention in find_mentions(saying, reading):
            begin, end = reading.words.index(mention[0]), reading.words.index(mention[-1]) + 1
            before, after = reading.words[max(0, begin - 3) : begin], reading.words[end:]
            turning = [word for word in before if word.text in NEGATIONS]
            turning += [word for word in after if word.text in _NO]  # an answer: "…: no"
            if not set(mention) & set(used):
                given.add(is_so is not bool(turning))
                used += [*mention, *turning, *(word for word in after if word.text in _YES)]
    return given, used


def choices_in(choices: Sequence[Any], reading: Reading) -> dict[Any, tuple[Word, ...]]:
    """Returns the choices that a text names, each with its words."""
    named = {choice: find_mentions(spell_out(str(choice)), reading) for choice in choices}
    return {choice: places[0] for choice, places in named.items() if places}


def entity(parameter: Parameter, text: str) -> str | None:
    """Finds the words of a text that a parameter such as a city, a date or an id is meant for."""
    name = spell_out(parameter.name).split()
    called = re.escape(" ".join(name))
    pattern = next((_BY_NAME[word] for word in name if word in _BY_NAME), _QUOTE)
    after = next((_AFTER[word] for word in name if word in _AFTER), _ANYWHERE)
    noun = "|".join(map(re.escape, name))
    proper = rf"\b(?i:{after})\s+({_PROPER})|\b(?i:{noun})\b:?\s+(?:is\s+)?({_PROPER})"
    match = re.search(rf"\bThe {called}: ?(.+?)(?:\.(?=\s|$)|$)", text, re.M) or pattern.search(
        text
    )
    if match is None and pattern is _QUOTE:
        match = re.search(proper, text)
    return next((group for group in match.groups() if group), "").rstrip(".") if match else None
