"""Fills a function's arguments from a text, and tells what of the text has found no place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from adk_flow.analysis.quantities import PERIODS, Quantity
from adk_flow.models.offline.parameters import (
    Places,
    around_quantity,
    convert_quantity,
    cues,
    read_measure,
)
from adk_flow.models.offline.reading import (
    NEGATIONS,
    Reading,
    Word,
    choices_in,
    entity,
    find_mentions,
    read,
    sayings,
    truth,
)
from adk_flow.models.request.functions import Function, Parameter
from adk_flow.models.request.words import NEUTRAL, spell_out, stem, stems


class Filled(NamedTuple):
    """A call as far as a text gives it."""

    function: Function
    arguments: dict[str, Any]
    faults: tuple[str, ...] = ()
    """Words and figures of the text that the call has no place for."""
    carried: tuple[str, ...] = ()
    """Arguments that an earlier question gave."""
    doubts: tuple[Parameter, ...] = ()
    """Optional truths that a word without a place may be about."""
    topic: int = 0
    """Words that the function's own name and texts share with the question."""

    @property
    def missing(self) -> tuple[Parameter, ...]:
        """What must be known before the call can be made."""
        required = [one for one in self.function.required if one.name not in self.arguments]
        return (*required, *self.doubts)

    @property
    def is_sure(self) -> bool:
        """Tells whether everything that the text says is in the call."""
        return not self.faults and not self.missing and self.topic > 0


def fill(function: Function, text: str, earlier: Sequence[str] = ()) -> Filled:
    """Fills a call from a question and, for what this leaves open, from those before it."""
    filled = Filled(function, {})
    for question in (*earlier, text):
        filled = _fill(function, question, filled)
    return filled


def _fill(function: Function, text: str, before: Filled) -> Filled:
    reading, own = read(text), stems(f"{spell_out(function.name)} {function.texts}")
    arguments, used = _said(function.parameters, reading)
    numbers = [parameter for parameter in function.parameters if parameter.is_number]
    starts = frozenset(word.start for word in used)
    placed = Places(reading, before.arguments, starts, own).given(numbers)
    arguments |= {
        one.name: convert_quantity(one, placed[one.name]) for one in numbers if one.name in placed
    }
    whole = before.arguments | arguments
    loose = [word for word in _uncovered(function, whole, reading, placed) if word not in used]
    spoken = {stem(word.text) for word in loose if word.text not in NEGATIONS}
    about = [one for one in function.parameters if one.kind == "boolean" and spoken & cues(one)]
    open_ = {one.name: one for one in (*about, *before.doubts) if one.name not in whole}
    explained = frozenset[str]().union(*map(cues, open_.values()))
    left = [quantity for quantity in reading.quantities if quantity not in placed.values()]
    faults = [reading.text[quantity.start : quantity.end] for quantity in left]
    faults += [word.text for word in loose if stem(word.text) not in explained]
    return Filled(
        function,
        whole,
        (*before.faults, *faults),
        tuple(name for name in before.arguments if name not in arguments),
        tuple(open_.values()),
        len(own & stems(text)) + before.topic,
    )


def _said(parameters: Sequence[Parameter], reading: Reading) -> tuple[dict[str, Any], list[Word]]:
    """Finds truths, choices and names, and the words that say them."""
    text = reading.text.strip()
    arguments: dict[str, Any] = {}
    used: list[Word] = []
    for parameter in parameters:
        given: Any = ()
        spoken: Sequence[Word] = ()
        if parameter.kind == "boolean":
            given, spoken = truth(parameter, reading)
        elif parameter.choices:
            given = choices_in(parameter.choices, reading)
            spoken = [word for mention in given.values() for word in mention]
        elif parameter.is_free_text and text:
            given = (text,)
        elif parameter.kind == "string" and (value := entity(parameter, text)):
            given, spelt = (value,), stems(value)
            spoken = [word for word in reading.words if stem(word.text) in spelt]
        if len(given) == 1:
            arguments[parameter.name] = next(iter(given))
            used += spoken
    return arguments, used


def _uncovered(
    function: Function,
    arguments: Mapping[str, Any],
    reading: Reading,
    placed: Mapping[str, Quantity],
) -> Iterator[Word]:
    """Walks the words for which the function's texts, and those of its arguments, have no place.

    What the function says in quotes is covered as a whole only, and what a number parameter says
    only beside its number. A period, such as "a year", must be one that the function gives its
    figure for, or go with the noun of an argument: "annual income".
    """
    texts = f"{spell_out(function.name)} {function.texts}"
    periods = {PERIODS[word] for word in re.findall(r"\w+", texts.lower()) if word in PERIODS}
    given = [parameter for parameter in function.parameters if parameter.name in arguments]
    known = stems(re.sub(r'"[^"]*"', "", texts))
    known = known.union(*(cues(parameter) for parameter in given if not parameter.is_number))
    phrases = [find_mentions(saying, reading) for saying in sayings(texts)]
    near = {word for mentions in phrases for mention in mentions for word in mention}
    for one in given:
        if one.name in placed:
            around = around_quantity(reading, placed[one.name])
            near.update(word for word in around if stem(word.text) in cues(one))
    for number, word in enumerate(reading.words):
        following = "".join(word.text for word in reading.words[number + 1 : number + 2])
        if word.text in ("per", "each", "every") and following in PERIODS:
            continue
        if word.text in PERIODS:
            own = [one for one in given if stem(following) in cues(one)]
            pers = [read_measure(one.name, one.description).per for one in own]
            is_covered = PERIODS[word.text] in (*periods, *pers)
        else:
            is_covered = word.text in NEUTRAL or stem(word.text) in known or word in near
        if word.text in NEGATIONS or not is_covered:
            yield word
