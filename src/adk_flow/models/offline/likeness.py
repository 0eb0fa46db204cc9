"""How alike a question and descriptions are, and whether any of them fits it at all."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from adk_flow.models.embedding import Vectors, embed
from adk_flow.models.offline.subjects import SUBJECTS
from adk_flow.models.request.functions import Option
from adk_flow.models.request.words import clipped, content_words, spell_out, stems

CLAUSE_SHARE = 0.5
"""Weight of the best clause beside the whole description; 0.3 to 0.7 choose alike."""
ROUTE_FLOOR = -0.1
"""The margin over everyday subjects below which no agent fits; unlike agent sets can share it."""
RIVALS = 5
"""Nearest everyday subjects, averaged, that a description has to come near to."""
ACRONYM = 0.2
"""Added to a description that has an acronym of the text's: "ISA" has no vector worth the name."""
SHORTNESS = 0.1
"""Taken off, divided by the content words: a short text is nearly all topic, so ask for more."""

# But the acronyms of countries say where and not what.
_ACRONYM = re.compile(r"\b(?!(?:UK|US|USA|EU|GB)\b)[A-Z]{2,}(?=s?\b)")
_CLAUSE_END = re.compile(r"[:;,.()\n]|\band\b")


class Fit(NamedTuple):
    """How well each of some options suits a text."""

    scores: tuple[float, ...]
    """Likeness in the options' order; 1 is the same text."""
    best: int
    margin: float
    """What the best option has over everyday subjects: low when nothing fits."""

    @property
    def is_near(self) -> bool:
        """Tells whether the best option fits the text at all."""
        return self.margin >= ROUTE_FLOOR


class _Outline(NamedTuple):
    """Descriptions as vectors: each as a whole, and the clauses of all, one after the other."""

    wholes: Vectors
    clauses: Vectors
    starts: list[int]
    """Where each description's clauses begin."""

    def scores(self, vectors: Vectors) -> Vectors:
        """Scores one vector or several; the last axis is the description."""
        best_clauses = np.maximum.reduceat(vectors @ self.clauses.T, self.starts, axis=-1)
        whole = vectors @ self.wholes.T
        scores = CLAUSE_SHARE * best_clauses + (1 - CLAUSE_SHARE) * whole
        return scores.astype(np.float32)


def fit(text: str, options: Sequence[Option]) -> Fit:
    """Compares a text with every option, and the best of them with everyday subjects."""
    text, options = clipped(text), tuple(options)
    vector, said = _vector(text), stems(text)
    acronyms = [
        bool(said & stems(" ".join(_ACRONYM.findall(option.description)))) for option in options
    ]
    scores = _outline(options).scores(vector) + ACRONYM * np.array(acronyms)
    best = int(np.argmax(scores))
    shortness = SHORTNESS / max(1, len(content_words(text)))
    rivals = np.sort(_subjects().scores(vector))[-RIVALS:].mean()
    return Fit(tuple(map(float, scores)), best, float(scores[best] - rivals) - shortness)


@lru_cache(maxsize=256)
def _outline(options: tuple[Option, ...]) -> _Outline:
    wholes, clauses, starts = [], [], []
    for name, description in options:
        starts.append(len(clauses))
        wholes.append(description if description.strip() else spell_out(name))
        own = [clause.strip() for clause in _CLAUSE_END.split(description)]
        clauses += list(filter(None, [*own, spell_out(name)])) or [""]
    return _Outline(_vectors(wholes), _vectors(clauses), starts)


@lru_cache(maxsize=1)
def _subjects() -> _Outline:
    return _outline(tuple(Option("", subject) for subject in SUBJECTS))


@lru_cache(maxsize=2048)
def _vector(text: str) -> Vectors:
    return _vectors([text])[0]


def _vectors(texts: Sequence[str]) -> Vectors:
    """Embeds texts, whatever their capitals."""
    rows = embed(texts) + embed([text.lower() for text in texts])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
