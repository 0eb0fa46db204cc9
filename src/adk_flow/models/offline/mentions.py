"""Finds choices, truths, names and lists that a text mentions."""

import re
from collections.abc import Sequence
from typing import Any

from adk_flow.models.offline.words import STOP_WORDS, content_words, readable, stem, stems, words
from adk_flow.models.request.functions import Parameter

_YES = frozenset(words("yes yeah yep true correct right sure indeed"))
_NO = frozenset(words("no nope not false never neither nor without isn't aren't don't won't"))
_NEGATED_FROM = 4
"""Words before a mention in which a "not" turns it around."""

_PROPER = r"[A-Z][\w'’.-]*(?:\s+(?:of\s+|de\s+|the\s+)?[A-Z][\w'’-]*)*"
_QUOTED = re.compile(r"[\"“‘']([^\"”’']{1,200})[\"”’'](?!\w)")
_AFTER = {
    "from": "from|leaving|departing",
    "origin": "from|leaving|departing",
    "source": "from",
    "start": "from",
    "departure": "from|leaving|departing",
    "to": "to|into",
    "destination": "to|into",
    "target": "to|into",
    "arrival": "to|into",
    "end": "to",
}
_ANYWHERE = "in|at|near|for|to|from|of|about|into|around|called|named|is"
_PLACE = frozenset(words("city town location place country station address region area"))
_MOMENT = frozenset(words("date day time when"))
_WHEN = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|(?:next|this) (?:week|month|year)"
    r"|(?:next |this |on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[:.]\d\d(?:\s?[ap]m)?|\d{1,2}\s?[ap]m)\b",
    re.I,
)
_CODE_NAMES = frozenset(words("id number code reference ref no key sku"))
_ENTITIES = _PLACE | _MOMENT | _CODE_NAMES | set(_AFTER) | set(words("name person email language"))
_CODE = re.compile(r"\b(?=[\w-]*\d)[\w-]{2,}\b")
_LIST = re.compile(r"\s*(?:(?<!\d),|,(?!\d)|;|\band\b|\n)\s*")


def chosen(choices: Sequence[Any], text: str) -> Any:
    """Returns the choice that the text names, the longest if several; None if it names none."""
    named = mentioned(choices, text)
    return max(named, key=lambda choice: len(str(choice).split("_")), default=None)


def mentioned(choices: Sequence[Any], text: str) -> list[Any]:
    """Returns the choices whose every word stands in the text."""
    said, heard = stems(text), frozenset(words(text))
    named = []
    for choice in choices:
        spelt = readable(str(choice))
        wanted = stems(spelt)
        if (wanted and wanted <= said) or (spelt and frozenset(words(spelt)) <= heard):
            named.append(choice)
    return named


def truth(parameter: Parameter, text: str, is_answer: bool = False) -> bool | None:
    """Tells whether the text says that something is so; None if it does not speak of it."""
    if is_answer:
        heard = set(words(text))
        return False if heard & _NO else True if heard & _YES else None
    said = [stem(word) for word in words(text)]
    for phrase in (readable(parameter.name), *_phrases(parameter.description)):
        wanted = [stem(word) for word in content_words(phrase)]
        place = _place(wanted, said)
        if place is not None:
            before = set(words(text)[max(0, place - _NEGATED_FROM) : place])
            return not before & _NO
    return None


def _phrases(description: str) -> list[str]:
    """Returns the examples that a description gives: "a second home or buy to let"."""
    listed = re.split(r"[,:;.()]|\bor\b|\band\b", description)
    return [phrase for phrase in listed if 2 <= len(content_words(phrase)) <= 4]


def _place(wanted: Sequence[str], said: Sequence[str]) -> int | None:
    """Returns where the wanted words begin to stand near each other, in any order."""
    span = len(wanted) + 2
    for start in range(len(said)):
        if wanted and said[start] in wanted and set(wanted) <= set(said[start : start + span]):
            return start
    return None


def names_an_entity(name: str) -> bool:
    """Tells whether a name asks for a place, a moment, a code or the like."""
    return bool(set(readable(name).split()) & _ENTITIES)


def entity(parameter: Parameter, text: str) -> str | None:
    """Finds a name, place, moment or code for a text parameter."""
    name = set(readable(parameter.name).split())
    if name & _CODE_NAMES and (match := _CODE.search(text)):
        return match[0]
    if name & _MOMENT:
        match = _WHEN.search(text)
        return match[1] if match else None
    if match := _QUOTED.search(text):
        return match[1].strip()
    leads = [lead for word, lead in _AFTER.items() if word in name]
    lead = leads[0] if leads else _ANYWHERE
    if match := re.search(rf"\b(?i:{lead})\s+(?:the\s+)?({_PROPER})", text):
        return match[1].rstrip(".-")
    if name & _PLACE or leads or _PLACE & set(words(parameter.description)):
        return _lower_case_place(lead if leads else "in|at|near|to|from", text)
    match = None if leads else re.search(rf"(?<=[a-z,] )({_PROPER})", text)
    return match[1] if match and match[1].lower() not in STOP_WORDS else None


def _lower_case_place(lead: str, text: str) -> str | None:
    """Takes the words after a preposition that mean something and are no time."""
    for match in re.finditer(rf"\b(?:{lead})\s+([a-z][\w'-]*)", text):
        word = match[1]
        if word not in STOP_WORDS and not _WHEN.match(word):
            return word
    return None


def items(text: str) -> list[str]:
    """Returns what a text lists: after a colon, or between commas and "and"."""
    listed = text.rsplit(":", 1)[-1].strip(" .?!")
    parts = [part.strip() for part in _LIST.split(listed) if part.strip()]
    return parts if len(parts) > 1 or ":" in text else []
