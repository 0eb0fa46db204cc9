"""Finds the stores that a shopping problem names, by how they are spoken of."""

import re
from typing import NamedTuple

from adk_flow.models.offline.words import STOP_WORDS, words

_ORDINAL = "first|second|third|fourth|fifth|sixth|next|last|other|final"
_PLACE = (
    "stores?|shops?|markets?|supermarkets?|sellers?|vendors?|websites?|sites?|merchants?"
    "|retailers?|suppliers?|stalls?|outlets?|places?"
)
_DESIGNATION = r"(?:[A-HJ-Z]\b|\d{1,2}\b|(?i:one|two|three|four|five|six)\b)"
_NAME = r"[A-Z][\w’'&.-]*\w(?:\s+(?:&\s+)?(?!I\b)[A-Z][\w’'&-]*)*|[A-HJ-Z]\b"
_NO_NAME = (
    frozenset(
        words(
            """january february march april may june july august september october november december
        monday tuesday wednesday thursday friday saturday sunday christmas easter total everything
        everyone everybody both"""
        )
    )
    | STOP_WORDS
)
_NO_PLACE = frozenset(
    words(
        """end time same price cost total moment rate till checkout start beginning order bill
        basket following list store stores shop shops"""
    )
)
_LEAD = r"(?:(?:at|from|in|via|through)\s+)"
_START = r"(?:^|(?<=[.;?!\n,])\s*|(?<=\band)\s+|[-*•]\s+|\d[.)]\s+)"
_SELLS = "sells?|charges?|charged|offers?|offered|asks?|wants?|has|had|sold|supplies|supplied"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:(?i:at|from|in|via|through)\s+)?(?:[Tt]he\s+)(?P<label>(?i:{_ORDINAL})"
        rf"(?:\s+(?i:one|online\s+\w+|{_PLACE}))?)\b(?!\s+(?:of|time|day|week))",
        rf"\b{_LEAD}?(?:[Tt]he\s+)?(?P<label>(?i:{_PLACE})\s+(?:called\s+(?:{_NAME})|{_DESIGNATION}))",
        rf"\b(?i:{_LEAD})(?:[Tt]he\s+)?(?P<label>{_NAME})",
        r"\b(?i:at|from)\s+(?:the|my|our)\s+(?:local\s+)?(?P<label>[a-z]+(?:['’]s)?"
        rf"(?:\s+(?:{_PLACE}))?)\b",
        rf"{_START}(?P<label>{_NAME})\s+(?=(?:{_SELLS})\b)",
    )
)
_HEADED = re.compile(
    r"(?:^|(?<=[.;?!\n,:])\s*)(?:[-*•]\s+|\d[.)]\s+)?(?i:(?:and\s+)?(?:at|from|in)\s+)?(?:the\s+)?"
    r"(?P<label>[A-Za-z][\w’'&.-]*(?:\s+[\w’'&-]+){0,3})\s*(?::(?=\s)|\s[–—-]\s)"
)
_NO_HEADING = re.compile(
    r"\b(?:shipping|delivery|postage|handling|fee|charge|total|costs?|price|list|items?|question"
    r"|problem|order|is|are|was|were|my|i|we|me|buy|bought|need|want|get|work|what|how|following"
    r"|each|plus|for|add)\b",
    re.I,
)


class Place(NamedTuple):
    """A store as a text names it."""

    name: str
    start: int
    end: int


def places(text: str) -> list[Place]:
    """Finds where a text names a store, in order; the same store may be named again."""
    found: list[Place] = []
    for pattern in (_HEADED, *_PATTERNS):
        for match in pattern.finditer(text):
            place = Place(match["label"].strip(), match.start(), match.end())
            if _is_place(place, pattern is _HEADED) and not _overlaps(place, found):
                found.append(place)
    return sorted(found, key=lambda place: place.start)


def _is_place(place: Place, is_heading: bool) -> bool:
    if is_heading:
        return not _NO_HEADING.search(place.name)
    first = place.name.lower().split()[0]
    return place.name.lower() not in _NO_PLACE and first not in _NO_NAME


def _overlaps(place: Place, found: list[Place]) -> bool:
    return any(place.start < one.end and one.start < place.end for one in found)


PLACES = re.compile(rf"\s*(?:different|online|separate|other|local)?\s*(?:{_PLACE})\b", re.I)
"""What follows a number that counts stores."""
