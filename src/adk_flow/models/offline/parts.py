"""Takes a question apart, where it asks several things at once."""

import re
from itertools import pairwise
from typing import NamedTuple

_OPENINGS = (
    "what|what's|how|when|where|who|whom|whose|which|why|should|can|could|do|does|did|is|are|was"
    "|were|will|would|may|shall|am|tell|show|give|calculate|compute|work out|explain|find|list"
    "|compare|estimate|translate|book|look up|check|convert|add|subtract|multiply|divide"
)
_LEAD = r"(?:(?:and|also|but|so|then|plus|or|please|hi|hello|ok|okay|well|finally|lastly)\b,?\s+)*"
_QUESTION = re.compile(rf"\W*{_LEAD}(?:{_OPENINGS})\b", re.I)
_SENTENCE_END = re.compile(
    r"(?<=[?!])\s*(?=\S)|(?<=[.])(?<!\b\w\.)(?<!e\.g\.)(?<!i\.e\.)\s+(?=\S)|\n+"
)
_CLAUSE_END = re.compile(
    rf"(?:[,;]\s*(?:(?:and|also|then|plus)\s+)*|\s+and\s+(?:(?:also|then)\s+)*)(?=(?:{_OPENINGS})\b)",
    re.I,
)
_NOUN_JOIN = re.compile(
    r"(?:,\s*and|,|\s+and(?:\s+also)?)\s+(?=(?:the|a|an|my|our|your|any)\s)", re.I
)
_COMPARED = re.compile(r"\b(?:between|both|either|versus|vs|compared?|than|combin\w+|mix)\b", re.I)
# What only goes on about the question before: it is no question of its own.
_CONTINUED = re.compile(
    r"\W*(?:(?:and|but|or|also)\b,?\s+)*(?:what if|what about|how about|if)\b", re.I
)
_CONDITION = re.compile(
    r"\W*(?:if|when|suppose|supposing|given|assuming|as|since|because|with)\b", re.I
)
_ELLIPTICAL = re.compile(r"\W*(?:and|but|or|then|what about|how about|what if|same|again)\b", re.I)
_BACK = re.compile(
    r"\b(?:it|its|that|this|those|these|they|them|there|he|she|former|latter)\b", re.I
)

_MOST = 8
"""Parts that are looked for; a longer text is a document rather than a question."""


class Part(NamedTuple):
    """One thing that is asked."""

    text: str
    context: str = ""
    """What the question states elsewhere, which may hold a figure that this part needs."""

    def beside(self, given: str) -> "Part":
        """Returns the part with more that was stated."""
        return self._replace(context=f"{self.context} {given}".strip())


def split(text: str) -> list[Part]:
    """Splits a question into its parts, at least one; statements stay with what they lead to."""
    segments = _segments(text)
    starts = [segments[0].start] if segments else []
    is_led_to = True
    for segment in segments:
        opens = segment.is_question and not _CONTINUED.match(segment.text)
        if opens and not is_led_to:
            starts.append(segment.start)
        is_led_to = not opens and (is_led_to or bool(_CONDITION.match(segment.text)))
    context = " ".join(segment.text for segment in segments if not segment.is_question)
    if not 1 < len(starts) <= _MOST:
        return [Part(text.strip(), context)]
    ends = [*starts[1:], len(text)]
    return [
        Part(_trimmed(text[start:end]), context) for start, end in zip(starts, ends, strict=True)
    ]


def halves(part: Part) -> list[Part]:
    """Splits "the weather in Leeds and the next train": two things under one question word."""
    pieces = [piece.strip() for piece in _NOUN_JOIN.split(part.text) if piece.strip()]
    if len(pieces) != 2 or _COMPARED.search(part.text):
        return [part]
    return [part._replace(text=piece) for piece in pieces]


def is_question(text: str) -> bool:
    """Tells whether a text asks for something, rather than states it."""
    return text.rstrip().endswith("?") or bool(_QUESTION.match(text))


def is_elliptical(text: str) -> bool:
    """Tells whether a text only makes sense after the one before: "And over 30 years?"."""
    return bool(_ELLIPTICAL.match(text))


def refers_back(text: str) -> bool:
    """Tells whether a text speaks of "it" or "that"."""
    return bool(_BACK.search(text))


class _Segment(NamedTuple):
    start: int
    text: str
    is_question: bool


def _segments(text: str) -> list[_Segment]:
    """Cuts a text at the ends of its sentences and before what opens another question."""
    cuts = [match.span() for end in (_SENTENCE_END, _CLAUSE_END) for match in end.finditer(text)]
    spans = pairwise([0, *(place for cut in sorted(cuts) for place in cut), len(text)])
    pieces = [(start, text[start:end]) for start, end in list(spans)[::2]]
    return [_Segment(start, piece, is_question(piece)) for start, piece in pieces if piece.strip()]


def _trimmed(part: str) -> str:
    part = re.sub(r"^(?:(?:and|also|but|then|plus)\s+)+", "", part.strip(" ,;\n"), flags=re.I)
    return re.sub(r"(?:[,;\s]+(?:and|also|then|plus)?)+$", "", part, flags=re.I)
