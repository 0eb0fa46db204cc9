"""Words of a text: which of them carry meaning, and which are forms of the same word."""

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CONTRACTED = re.compile(r"'(?:s|re|d|ll|m)$")
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
_ENDINGS = (
    *("ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion"),
    *("ers", "ies", "er", "ed", "es", "s", "y", "e"),
)
_SHORTEST_STEM = 3
_LONGEST_READ = 2_000


def clipped(text: str) -> str:
    """Keeps the beginning and the end of a long text, so that reading it has a bound."""
    half = _LONGEST_READ // 2
    return text if len(text) <= _LONGEST_READ else f"{text[:half]} {text[-half:]}"


def split_words(text: str) -> list[str]:
    """Returns the text's words in lower case, "what's" as "what"."""
    words = (word.replace("’", "'") for word in _WORD.findall(text.lower()))
    return [_CONTRACTED.sub("", word) for word in words]


NEUTRAL = frozenset(
    split_words("""
    a an the this that these those i i've me my we we've us our you you've your it its
    is are am be was were will would could can do does did may might have has had having
    what how much many which when where who if and as at by for from in into of on to with
    please hi hello thanks tell show give work out calculate find know like figure then about now
    here there get got they their them him her he she want going looking thinking planning
    """)
)
"""At most 100 words that change neither what is asked for nor any figure."""


def content_words(text: str) -> list[str]:
    """Returns the words that say what the text is about."""
    return [word for word in split_words(text) if word not in NEUTRAL and not word.isdigit()]


@lru_cache(maxsize=4096)
def spell_out(name: str) -> str:
    """Writes an identifier as words: `annual_rate_percent` is "annual rate percent"."""
    return " ".join(_NAME_WORD.findall(name)).lower()


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """Returns the stems of the content words."""
    return frozenset(stem(word) for word in content_words(text))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cuts common English endings: mortgage, mortgages and mortgaging come to one stem."""
    for _ in range(2):
        longest = 0 if word.endswith("ss") else len(word) - _SHORTEST_STEM
        endings = (end for end in _ENDINGS if word.endswith(end) and len(end) <= longest)
        word = word.removesuffix(next(endings, ""))
    return word
