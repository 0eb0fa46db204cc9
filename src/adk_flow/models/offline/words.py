"""Reads words: which of them carry meaning, and which are forms of the same word."""

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
_ENDINGS = (
    *("ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion"),
    *("ers", "ies", "er", "ed", "es", "s", "y", "e"),
)
_SHORTEST_STEM = 3

STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a about after all also am an and any are as at be been being but by can could did do does
        doing done each else for from get give go got had has have having he her here him his how i
        i'd i'll i'm i've if in into is it it's its just know let like make many may me might mine
        more most much must my need no nor not now of off on one only onto or other our out over
        own per please same shall she should so some such take tell than that that's the their them
        then there these they this those to too under until up upon us very want was we were what
        what's when where which while who whom whose why will with within without would yes you
        your
        """
    )
)


def words(text: str) -> list[str]:
    """Returns the text's words in lower case."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def content_words(text: str) -> list[str]:
    """Returns the words that say what the text is about."""
    return [word for word in words(text) if word not in STOP_WORDS and not word.isdigit()]


@lru_cache(maxsize=4096)
def readable(name: str) -> str:
    """Writes an identifier as words: `annual_rate_percent` is "annual rate percent"."""
    return " ".join(_NAME_WORD.findall(name)).lower()


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """Returns the stems of the content words."""
    return frozenset(stem(word) for word in content_words(text))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cuts common English endings: mortgage, mortgages and mortgaging come to one stem."""
    word = word.removesuffix("'s")
    for _ in range(2):
        ending = next((end for end in _ENDINGS if _can_lose(word, end)), None)
        if ending is None:
            break
        word = word.removesuffix(ending)
    return word


def _can_lose(word: str, ending: str) -> bool:
    if word.endswith("ss"):
        return False
    return word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM
