"""A small English-German phrase book in three editions, which differ in what they are good at."""

import functools
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

import msgspec
import yaml

from tools.checks import Answer, checked

FILE = Path(__file__).with_name("translation") / "phrases.yaml"
LONGEST_PHRASE = 5
"""Words."""

_TASK = re.compile(
    r"\s*(?:please\s+)?translate\b[^.?!:\"“„']{0,40}(?::|(?<=\s)(?=[\"“„']))\s*(?=\S)", re.I
)
_QUOTED = re.compile(r"[\"“„'](.+)[\"”“'](?:\s+(?:in|to|into) german)?[.?!]?\s*", re.I | re.S)
_LANGUAGES = (
    "Arabic|Chinese|Czech|Danish|Dutch|English|Finnish|French|Greek|Hebrew|Hindi|Hungarian|Italian"
    "|Japanese|Korean|Latin|Norwegian|Polish|Portuguese|Romanian|Russian|Spanish|Swedish|Turkish"
    "|Ukrainian"
)
_INTO_ANOTHER = re.compile(
    r"\s*(?:(?:can|could|would|will) you\s+)?(?:please\s+)?translate\b"
    rf"(?:[^.?!:\"“„']{{0,40}}?\b(?:in|to|into)\s+(?P<before>{_LANGUAGES})\b[^.?!:\"“„']{{0,20}}"
    rf"[:\"“„']|.*\b(?:in|to|into)\s+(?P<after>{_LANGUAGES})(?:,? please)?\s*[.?!]?\s*$)",
    re.I | re.S,
)
_SENTENCE = re.compile(r"\s*(.+?)([.!?:;]+|$)(?=\s|$)", re.S)
_TOKEN = re.compile(r"\d[\d.,:]*\d|\d|[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]")
_NUMBER = re.compile(r"\d[\d.,:]*")
_THOUSANDS = str.maketrans(",.", ".,")
_SLOTS = {
    "name": r"[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*",
    "number": r"\d[\d.,:]*",
    "day": r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day",
}


class Edition(Enum):
    """How a phrase book goes about it."""

    WORDS = "word for word"
    PHRASES = "whole sentences and phrases first; what it does not know is left in English"
    SENSE = "whole sentences and phrases first, freely put; what it does not know is left out"


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the phrase book, English to German."""

    sentences: dict[str, tuple[str, str]]
    """Renderings, from plain to free."""
    phrases: dict[str, str]
    words: dict[str, str]
    names: dict[str, str]
    days: dict[str, str]


@functools.cache
def phrase_book() -> Book:
    """Reads the phrase book."""
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8")), Book)


def looking_up(edition: Edition) -> Callable[..., Answer]:
    """Makes the tool that looks a text up in an edition."""

    @checked
    def look_up_phrases(text: str) -> Answer:
        """Looks a text up in a small English-German phrase book; a hint, not a translation.

        Args:
            text: The whole text to translate.
        """
        translation, unknown = rendered(bare(text), edition)
        if not translation:
            return {"error": "the phrase book knows none of these words", "translation": ""}
        return {"translation": translation, "unknown": unknown}

    return look_up_phrases


def bare(message: str) -> str:
    """Takes off what only says that a text is to be translated: "Translate into German: …"."""
    text = message.strip()
    task = _TASK.match(text)
    if task is None:
        return text
    if quoted := _QUOTED.fullmatch(text, task.end()):
        return quoted[1]
    return text[task.end() :] if ":" in task[0] else text


def foreign(message: str) -> str:
    """Says that a text is to be translated into a language that is not German; empty if not."""
    asked = _INTO_ANOTHER.match(message)
    if asked is None:
        return ""
    return f"it translates into German only, not into {(asked['before'] or asked['after']).title()}"


def rendered(text: str, edition: Edition) -> tuple[str, list[str]]:
    """Renders a text sentence by sentence; gives too the words that the book does not know.

    Of a text of which it knows nothing it makes nothing.
    """
    pieces, unknown, known = [], [], 0
    for sentence in _SENTENCE.finditer(text):
        whole = None if edition is Edition.WORDS else _sentence(sentence[1], edition)
        if whole is None:
            whole, missing, found = _by_words(sentence[1], edition)
            unknown += missing
            known += found
        else:
            known += 1
        pieces.append(f"{whole[:1].upper()}{whole[1:]}{sentence[2]}")
    return (" ".join(pieces) if known else ""), unknown


def _sentence(text: str, edition: Edition) -> str | None:
    """Renders a whole sentence, or clauses joined by "and" that are sentences each."""
    if (found := _pattern(text, edition)) is not None:
        return found
    joint = re.search(r",? (and|but) ", text)
    if joint is None:
        return None
    both = [_pattern(part, edition) for part in (text[: joint.start()], text[joint.end() :])]
    if None in both:
        return None
    comma = "," if joint[1] == "but" else ""
    first, second = (str(part) for part in both)
    return f"{first}{comma} {phrase_book().words[joint[1]]} {second[:1].lower()}{second[1:]}"


def _pattern(text: str, edition: Edition) -> str | None:
    for pattern, renderings in _patterns():
        if match := pattern.fullmatch(text.strip()):
            filled = {slot: _slot(slot, value) for slot, value in match.groupdict().items()}
            return renderings[edition is Edition.SENSE].format(**filled)
    return None


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    """Makes patterns of the sentences; only what is no name may stand in any case."""
    made = []
    for sentence, renderings in phrase_book().sentences.items():
        spelt = re.sub(r"([^{}]+)(?=\{|$)", r"(?i:\1)", sentence)
        for slot, pattern in _SLOTS.items():
            spelt = spelt.replace(f"{{{slot}}}", f"(?P<{slot}>{pattern})")
        made.append((re.compile(spelt), renderings))
    return made


def _slot(slot: str, value: str) -> str:
    return german_number(value) if slot == "number" else _name(value)


def _name(word: str) -> str:
    book = phrase_book()
    return book.names.get(word) or book.days.get(word) or word


def german_number(number: str) -> str:
    """Writes a number the German way: 1.200,50 for 1,200.50; times stay."""
    return number if ":" in number else number.translate(_THOUSANDS)


def _by_words(text: str, edition: Edition) -> tuple[str, list[str], int]:
    """Renders what is no known sentence; gives too the unknown words, and how many are known."""
    said, unknown, known = "", [], 0
    for token, german in _tokens(_TOKEN.findall(text), edition):
        if german is None:
            unknown.append(token)
            german = "" if edition is Edition.SENSE else token
        else:
            known += token[0].isalpha() and german != token
        is_mark = not german[:1].isalnum()
        said += german if is_mark or not said else f" {german}"
    return said, unknown, known


def _tokens(tokens: list[str], edition: Edition) -> Iterator[tuple[str, str | None]]:
    """Pairs words, and phrases where the edition has any, with their German."""
    book, place = phrase_book(), 0
    longest = 1 if edition is Edition.WORDS else LONGEST_PHRASE
    while place < len(tokens):
        for size in range(longest, 1, -1):
            english = " ".join(tokens[place : place + size])
            if german := book.phrases.get(english.lower()):
                yield english, german
                place += size
                break
        else:
            yield tokens[place], _word(tokens[place], is_first=place == 0)
            place += 1


def _word(word: str, *, is_first: bool) -> str | None:
    if _NUMBER.fullmatch(word):
        return german_number(word)
    if not word[0].isalpha():
        return word
    if german := phrase_book().words.get(word.lower()):
        return german
    return _name(word) if word[0].isupper() and not is_first else None
