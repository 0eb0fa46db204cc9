"""How alike a question and descriptions are, and whether any of them fits it at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from adk_flow.models.embedding import Vectors, embed
from adk_flow.models.offline.subjects import SUBJECTS
from adk_flow.models.offline.words import content_words, readable, stems, words

LONGEST_READ = 2_000
"""Characters of a text that are compared, from its two ends, so that the time has a bound."""
CLAUSE_SHARE = 0.5
"""Weight of the best clause beside the whole description; 0.3 to 0.7 choose alike."""
RIVALS = 5
"""Nearest everyday subjects, averaged, that a description has to come near to."""
ACRONYM = 0.2
"""Added to a description that has an acronym of the text's: "ISA" has no vector worth the name."""
SHORTNESS = 0.1
"""Taken off, divided by the content words: a short text is nearly all topic, so ask for more."""

# But the acronyms of countries say where and not what.
_ACRONYM = re.compile(r"\b(?!(?:UK|US|USA|EU|GB)\b)[A-Z]{2,}(?=s?\b)")
_CLAUSE_END = re.compile(r"[:;,.()\n]|\band\b")


class Option(NamedTuple):
    """Something a question can go to."""

    name: str
    description: str


@dataclass(frozen=True)
class Fit:
    """How well each of some options suits a text."""

    scores: tuple[float, ...]
    """Likeness in the options' order; 1 is the same text."""
    best: int
    margin: float
    """What the best option has over everyday subjects: low when nothing fits."""


def fit(text: str, options: Sequence[Option]) -> Fit:
    """Compares a text with every option, and the best of them with everyday subjects."""
    text = clipped(text)
    scores = _outline(tuple(options)).scores(_vector(text)) + _shared_acronyms(text, options)
    rivals = _subjects().scores(_vector(text))[_foreign(tuple(options))]
    best = int(np.argmax(scores))
    shortness = SHORTNESS / max(1, len(content_words(text)))
    margin = float(scores[best] - np.sort(rivals)[-RIVALS:].mean()) - shortness
    return Fit(tuple(map(float, scores)), best, margin)


def _shared_acronyms(text: str, options: Sequence[Option]) -> Vectors:
    said = stems(text)
    shared = [bool(said & _acronyms(option.description)) for option in options]
    return ACRONYM * np.array(shared, dtype=np.float32)


@lru_cache(maxsize=1024)
def _acronyms(description: str) -> frozenset[str]:
    return stems(" ".join(_ACRONYM.findall(description)))


def likeness(text: str, option: Option) -> float:
    """Compares a text with one option."""
    return float(_outline((option,)).scores(_vector(clipped(text)))[0])


def clipped(text: str) -> str:
    """Keeps the beginning and the end of a long text."""
    if len(text) <= LONGEST_READ:
        return text
    half = LONGEST_READ // 2
    return f"{text[:half]} {text[-half:]}"


@dataclass(frozen=True)
class _Outline:
    """Descriptions as vectors: each as a whole, and the clauses of all, one after the other."""

    wholes: Vectors
    clauses: Vectors
    starts: list[int]
    """Where each description's clauses begin."""

    def scores(self, vectors: Vectors) -> Vectors:
        """Scores one vector or several; the last axis is the description."""
        best_clauses = np.maximum.reduceat(vectors @ self.clauses.T, self.starts, axis=-1)
        scores = CLAUSE_SHARE * best_clauses + (1 - CLAUSE_SHARE) * (vectors @ self.wholes.T)
        return scores.astype(np.float32)


@lru_cache(maxsize=256)
def _outline(options: tuple[Option, ...]) -> _Outline:
    wholes, clauses, starts = [], [], []
    for (name, description), apart in zip(options, _apart(options), strict=True):
        starts.append(len(clauses))
        wholes.append(description if description.strip() else readable(name))
        own = [*_clauses(description), *filter(None, (readable(name), apart))]
        clauses += own or [""]
    return _Outline(_vectors(wholes), _vectors(clauses), starts)


def _apart(options: Sequence[Option]) -> list[str]:
    """Returns each description without what all say: "Agent to help with studying"."""
    if len(options) < 2 or not options[0].name:
        return [""] * len(options)
    told = [words(option.description) for option in options]
    shared = set(told[0]).intersection(*told[1:])
    return [" ".join(word for word in one if word not in shared) for one in told]


def _clauses(description: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSE_END.split(description) if clause.strip()]


@lru_cache(maxsize=1)
def _subjects() -> _Outline:
    return _outline(tuple(Option("", subject) for subject in SUBJECTS))


@lru_cache(maxsize=256)
def _foreign(options: tuple[Option, ...]) -> np.ndarray:
    """Returns the numbers of all subjects but those that are nearest to an option."""
    likest = np.argmax(_outline(options).scores(_subjects().wholes), axis=0)
    return np.setdiff1d(np.arange(len(SUBJECTS)), likest)


@lru_cache(maxsize=2048)
def _vector(text: str) -> Vectors:
    return _vectors([text])[0]


def _vectors(texts: Sequence[str]) -> Vectors:
    """Embeds texts, whatever their capitals, relative to the mean of everyday subjects."""
    raw = _uncentred(texts)
    return np.where(raw.any(axis=1, keepdims=True), _unit(raw - _centre()), 0)


@lru_cache(maxsize=1)
def _centre() -> Vectors:
    return _uncentred(SUBJECTS).mean(axis=0)


def _uncentred(texts: Sequence[str]) -> Vectors:
    return _unit(embed(texts) + embed([text.lower() for text in texts]))


def _unit(rows: Vectors) -> Vectors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
