"""Guidance passages, kept in `passages/*.yaml`, and the look-up tools that find the fitting ones.

A question is compared with every passage twice: as a whole, by the embeddings of title and text,
and word by word, where a word that few passages hold (or hold something like) counts for more.
"""

import datetime
import functools
import re
import threading
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from tools.checks import Answer, checked
from tools.embedding import Vectors, embed

Line = Annotated[str, Field(pattern=r"\S")]

MOST_PASSAGES = 3
# Measured: of 309 questions that a passage answers 2% fall below; of 55 about other things, put to
# each subject, 4% stay above.
FLOOR = 0.26
OUTSIDE_TITLE = 0.85  # what a word is worth in the text, when in the title it is worth 1

# Words that say how something is asked, not what about.
_QUESTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about also am an and are as at be been but by can could did do does doesnt dont for from
        get good got had has have he her him his how i if im in into is isnt it its ive just know
        like many may me mean might more most much my need no not of on one or our out over please
        really she should so some still tell than that the their them then there these they thing
        this those to too up us very want was we were what when where which who whom why will with
        work works worth would you your
        """,
    )
)


class Passage(BaseModel, frozen=True, extra="forbid"):
    """One answer to a question people ask, true for one tax year."""

    id: Line
    title: Line
    text: Line
    tax_year: Annotated[str, Field(pattern=r"^20\d\d/\d\d$")]
    source: Line
    checked: datetime.date


class Subject(NamedTuple):
    """What one specialist can look up."""

    file: str
    covers: str


SUBJECTS = {
    "mortgages": Subject(
        "mortgage.yaml",
        "kinds of mortgage, deposits, borrowing limits, fees, remortgaging, stamp duty and buying"
        " a home",
    ),
    "investments": Subject(
        "investment.yaml",
        "ISAs, funds, shares, bonds, risk, charges, tax on savings and investments, protection and"
        " scams",
    ),
    "pensions": Subject(
        "pension.yaml",
        "workplace, personal and State Pensions, tax relief and allowances, taking money out,"
        " transfers, death and scams",
    ),
}


class Index(NamedTuple):
    """A subject's passages, made ready to compare questions with."""

    passages: tuple[Passage, ...]
    titles: Vectors
    texts: Vectors
    word_vectors: Vectors
    words_held: list[tuple[NDArray[np.intp], Vectors]]
    """For each passage, the rows of its words in word_vectors and what each is worth."""


@checked
def look_up_mortgages(question: str) -> Answer:
    """Looks up guidance on mortgages and buying a home: how things work, rules, costs and choices.

    Args:
        question: The question in plain words.
    """
    return look_up("mortgages", question)


@checked
def look_up_investments(question: str) -> Answer:
    """Looks up guidance on saving and investing: how things work, rules, limits and choices.

    Args:
        question: The question in plain words.
    """
    return look_up("investments", question)


@checked
def look_up_pensions(question: str) -> Answer:
    """Looks up guidance on pensions: how things work, rules, limits and choices.

    Args:
        question: The question in plain words.
    """
    return look_up("pensions", question)


def look_up(subject: str, question: str) -> Answer:
    """Returns up to three passages, closest first, or an error that says what is covered."""
    found = closest(subject, question)
    if not found:
        return {
            "error": f"no guidance on {subject} fits this question; it covers"
            f" {SUBJECTS[subject].covers}"
        }
    best = found[0]
    return {
        "passages": [
            {name: getattr(passage, name) for name in ("title", "text", "tax_year", "source")}
            for passage in found
        ],
        "summary": f"{best.text} ({best.source}, tax year {best.tax_year})",
    }


def closest(subject: str, question: str) -> list[Passage]:
    """Returns the passages close enough to the question, closest first."""
    index = _index(subject)
    closeness = _closeness(index, question)
    order = np.argsort(-closeness, kind="stable")[:MOST_PASSAGES]
    return [index.passages[place] for place in order if closeness[place] >= FLOOR]


def load_passages(path: Path) -> tuple[Passage, ...]:
    """Reads a file of passages; a broken one is a ValueError that names file, entry and field."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path.name} is not YAML: {problem}") from problem
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path.name} must hold a list of passages")
    passages: dict[str, Passage] = {}
    for number, entry in enumerate(entries, start=1):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = f"{path.name}, entry {number} ({name or 'no id'})"
        try:
            passage = Passage.model_validate(entry)
        except ValidationError as problem:
            fault = problem.errors()[0]
            place = ".".join(map(str, ["$", *fault["loc"]]))
            raise ValueError(f"{where}: {place}: {fault['msg']}") from problem
        if passage.id in passages:
            raise ValueError(f"{where}: the field `id` is not unique")
        passages[passage.id] = passage
    return tuple(passages.values())


_indexing = threading.Lock()


def _index(subject: str) -> Index:
    """Builds a subject's index on first use; threads that come meanwhile wait for it."""
    with _indexing:
        return _build_index(subject)


@functools.cache
def _build_index(subject: str) -> Index:
    passages = load_passages(Path(__file__).parent / "passages" / SUBJECTS[subject].file)
    in_title = [_words(passage.title) for passage in passages]
    in_passage = [_words(f"{passage.title} {passage.text}") for passage in passages]
    vocabulary = {word: row for row, word in enumerate(sorted(set().union(*in_passage)))}
    held = [
        (
            np.array([vocabulary[word] for word in words]),
            np.array([1 if word in title else OUTSIDE_TITLE for word in words], np.float32),
        )
        for words, title in zip(in_passage, in_title, strict=True)
    ]
    return Index(
        passages,
        embed([passage.title for passage in passages]),
        embed([passage.text for passage in passages]),
        embed(list(vocabulary)),
        held,
    )


def _closeness(index: Index, question: str) -> Vectors:
    """Returns how close each passage is to the question, from about 0 to 1."""
    whole = embed([question])[0]
    as_a_whole = (index.titles @ whole + index.texts @ whole) / 2
    return (as_a_whole + _word_by_word(index, _words(question))) / 2


def _word_by_word(index: Index, words: list[str]) -> Vectors:
    """Returns the share of the question's words that each passage holds, rare words first."""
    if not words:
        return np.zeros(len(index.passages), np.float32)
    alike = np.maximum(embed(words) @ index.word_vectors.T, 0)
    # Both are words × passages: the nearest word a passage holds, and the same in its worth.
    nearest = np.stack([alike[:, rows].max(axis=1) for rows, _ in index.words_held], axis=1)
    worth = np.stack([(alike[:, r] * w).max(axis=1) for r, w in index.words_held], axis=1)
    # The power lets only near-synonyms count as the word being there.
    rarity = np.log(1 + len(index.passages) / (0.5 + (nearest**4).sum(axis=1)))
    return (rarity @ worth**2) / rarity.sum()


def _words(text: str) -> list[str]:
    """Returns the text's distinct words in order, without those that only ask."""
    plain = re.sub(r"['’]s\b|['’]", "", text.lower())
    words = re.findall(r"[a-z]+|\d+", plain)
    found = dict.fromkeys(_singular(word) for word in words if word not in _QUESTION_WORDS)
    return list(found)


def _singular(word: str) -> str:
    """Writes "ISAs" and "ISA" alike."""
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if is_plural else word
