"""Takes a message apart into its questions, each with those before it that it goes on from."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from adk_flow.models.offline.reading import read
from adk_flow.models.offline.wording import asked_for, is_open
from adk_flow.models.request.turns import RequestTurn
from adk_flow.models.request.words import NEUTRAL

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
    r"(?:[,;]\s*(?:(?:and|also|then|plus)\s+)*|\s+and\s+(?:(?:also|then)\s+)*)"
    rf"(?=(?:{_OPENINGS})\b)(?!(?:is|are|was|were)\s(?!(?:it|there|this|that|my|our|the|an?)\b))",
    re.I,
)
_GOES_ON = re.compile(
    r"\W*(?:and|but|or|then|what about|how about|what if|same|again|instead|if|also)\b", re.I
)
_AFTER = re.compile(r'After ((?:"[^"]*" )+)- (.*)', re.S)

_LONGEST_ANSWER = 12
"""Words; a longer text is hardly the answer to a question back."""
_MOST = 8
"""Questions and turns that are looked at; a longer text is a document rather than a question."""


class Question(NamedTuple):
    """One thing that is asked."""

    text: str
    earlier: tuple[str, ...] = ()
    """The questions that it goes on from, the first one first."""

    @property
    def written(self) -> str:
        """The question as it is passed on, openly with those before it."""
        before = " ".join('"' + text.replace('"', "'") + '"' for text in self.earlier)
        return f"After {before} - {self.text}" if before else self.text


def read_questions(turns: Sequence[RequestTurn]) -> list[Question]:
    """Takes the current message apart; there is always one question, though it may be empty."""
    if match := _AFTER.fullmatch(turns[-1].text):
        return [Question(match[2], tuple(re.findall(r'"([^"]*)"', match[1])))]
    text, earlier = _with_label(turns), _earlier(turns)
    is_answer, questions = text != turns[-1].text, list[Question]()
    for part in split(text):
        questions.append(Question(part, earlier if is_answer or goes_on(part) else ()))
        earlier, is_answer = (*questions[-1].earlier, part), False
    return questions


def goes_on(text: str) -> bool:
    """Tells whether a text may only make sense after the one before: "And over 30 years?"."""
    return bool(_GOES_ON.match(text)) or (bool(read(text).quantities) and not has_topic(text))


def has_topic(text: str) -> bool:
    """Tells whether a text says what it is about, besides quantities."""
    return any(word.text not in NEUTRAL for word in read(text).words)


def is_question(text: str) -> bool:
    """Tells whether a text asks for something, rather than states it."""
    return text.rstrip().endswith("?") or bool(_QUESTION.match(text))


def split(text: str) -> list[str]:
    """Splits a message into its questions; each keeps every statement of the message."""
    pieces = _pieces(text)
    asked = [piece for piece in pieces if is_question(piece)]
    if not 1 < len(asked) <= _MOST:
        return [text.strip()]
    statements = [piece for piece in pieces if piece not in asked]
    return [" ".join([*statements, piece]) for piece in asked]


def _pieces(text: str) -> list[str]:
    """Cuts a text at the ends of its sentences and before what opens another question."""
    cuts = [match.span() for end in (_SENTENCE_END, _CLAUSE_END) for match in end.finditer(text)]
    spans = pairwise([0, *(place for cut in sorted(cuts) for place in cut), len(text)])
    pieces = [text[start:end].strip(" ,;\n") for start, end in list(spans)[::2]]
    return [piece for piece in pieces if piece]


def _earlier(turns: Sequence[RequestTurn]) -> tuple[str, ...]:
    """Returns the questions of the last turn that had an answer or figures: "thanks" has none."""
    before = list(turns[:-1][-_MOST:])
    while before and not (before[-1].has_result or is_open(before[-1].answer)):
        if read(before[-1].text).quantities:
            break
        before.pop()
    last = read_questions(before)[-1] if before else None
    return (*last.earlier, last.text) if last else ()


def _with_label(turns: Sequence[RequestTurn]) -> str:
    """Writes an answer under the name that was asked for in the turn before."""
    text = turns[-1].text
    names = asked_for(turns[-2].answer) if len(turns) > 1 else []
    is_answer = len(text.split()) <= _LONGEST_ANSWER and not is_question(text)
    if len(names) != 1 or not is_answer or len(read(text).quantities) > 1:
        return text
    return f"The {names[0]}: {text.strip().rstrip('.')}."
