"""What code can tell of an English-German translation: completeness, numbers, names, additions."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from google.adk.tools.tool_context import ToolContext

from adk_flow.wiring.selection import Slate, Verdict, slate_key
from tools.checks import Answer
from tools.translation_book import bare, phrase_book

SHORT, LONG = 0.7, 1.8
"""Letters of a translation for each letter of the text; German runs to about 1.15."""
SHORTER, FROM_LETTERS = 0.5, 30
"""What a text of fewer letters may come to: a word or two say less of what is usual."""
LONGEST_GRAM = 4
"""Letters in a row that are compared where candidates are."""

_NUMBER = re.compile(r"\d(?:[\d.,:]*\d)?")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…]+[\"”“'’»)]*(?=\s|$)")
_NAME = re.compile(r"(?<=[^\W_][,;:]\s)[A-Z][\w-]+|(?<=[a-z0-9,;:]\s)[A-Z][\w-]*[a-z][\w-]*")
_AFTERNOON = re.compile(r"\b(\d{1,2})((?:[:.]\d\d)?)\s*p\.?m\b\.?", re.I)
NEGATION_GONE, NEGATION_ADDED = "a negation is gone", "a negation was added"
REVERSED = (NEGATION_GONE, NEGATION_ADDED)
"""Faults that reverse what the text says."""
_NOT = re.compile(r"\b(?:not|cannot|never|no|nobody|nothing|nowhere|none|neither)\b|n['’]t\b", re.I)
_NUMERO = re.compile(r"\bno\. ?(?=\d)", re.I)
_NICHT = re.compile(
    r"\b(?:nicht\w*|kein\w*|nie|niemals|niemand\w*|nirgend\w*|nein|ohne|weder)\b", re.I
)
_AS_GOOD_AS_NICHT = re.compile(r"\b(?:un(?!d\b|ter|s)\w+|weniger|kaum)\b", re.I)
_DENIED = re.compile(
    rf"{_NOT.pattern}|\b(?:without|nor|un\w+|in\w+|im\w+|dis\w+|ir\w+|non\w*|\w+less|hardly|"
    r"barely|few|little|lack\w*|fail\w*|refus\w*|den(?:y|ie)\w*|avoid\w*|miss\w*|stop\w*|only|"
    r"rather|instead|until|too|before|but|far|just)\b",
    re.I,
)
_CONTRACTED = re.compile(r"(?:n['’]t|['’](?:re|ve|ll|m|d))$", re.I)
_OPENING = re.compile(r"(?:^|[.!?:]\s+)([A-Z][a-z]+)(?=\s+(?:[a-zäöü]|Sie\b|Ihre?\b))")
_COUNTED = [
    *("two", "three", "four", "five", "six", "seven"),
    *("eight", "nine", "ten", "eleven", "twelve"),
]
_GERMAN_STEMS = [
    *("zwei|beid", "drei|dritt", "vier", "fünf", "sechs", "sieb"),
    *("acht", "neun", "zehn", "elf", "zwölf"),
]
_ENGLISH = frozenset(
    _WORD.findall(
        """
        and are at be been but by can could did do does for from has have how is it may might must
        my never not of on our shall she should that the their there they this to we were what
        where which with would you your
        """
    )
)
_ALSO_GERMAN = frozenset(_WORD.findall("also bin die hat hut man war was"))
_NO_NAMES = frozenset(
    _WORD.findall(
        """
        Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May
        June July August September October November December English German French Mr Mrs Ms Dr
        """
    )
)


def check_candidates(tool_context: ToolContext) -> Answer:
    """Checks which of the candidates is best as far as code can tell, and why.

    Checks each candidate translation for completeness, for numbers and names that were not kept
    and for what was added. Takes no arguments.
    """
    given = tool_context.state.get(slate_key(tool_context.agent_name))
    if not given:
        return {"error": "there are no candidates to check"}
    slate = Slate(**given)
    verdict = judged(slate)
    return {"faults": faults_of(slate), "best": verdict.best, "summary": verdict.reason}


def judged(slate: Slate) -> Verdict:
    """Chooses the candidate with the fewest faults; among equals the one most like the others.

    A reversed meaning weighs more than all other faults; a tie is broken by a hash of the text.
    """
    found = faults_of(slate)
    least = min(map(_weight, found.values()))
    equals = [letter for letter in found if _weight(found[letter]) == least]
    alike = {letter: round(likeness(letter, slate), 9) for letter in equals}
    tied = [letter for letter in equals if alike[letter] == max(alike.values())]
    best = min(
        tied,
        key=lambda letter: hashlib.sha256(slate.texts[letter].encode(errors="replace")).digest(),
    )
    return Verdict(best, _reason(best, found, equals, tied, slate))


def _weight(found: Sequence[str]) -> tuple[int, int]:
    return len([one for one in found if one in REVERSED]), len(found)


def _reason(
    best: str,
    found: Mapping[str, Sequence[str]],
    equals: Sequence[str],
    tied: Sequence[str],
    slate: Slate,
) -> str:
    own = "; ".join(found[best]) or "complete, numbers and names kept, nothing added"
    others = [f"{one}: {'; '.join(told)}" for one, told in found.items() if one not in equals]
    why = [f"candidate {best}: {own}", *others]
    if len(equals) > 1:
        why.append(_by_likeness(best, equals, tied, slate))
    return ". ".join(f"{one[:1].upper()}{one[1:]}" for one in why) + "."


def _by_likeness(best: str, equals: Sequence[str], tied: Sequence[str], slate: Slate) -> str:
    among = f"of {', '.join(equals)}, which are equal in this,"
    if len(tied) > 1:
        return f"{among} {', '.join(tied)} tie in likeness too, and a hash of the text took {best}"
    alike = slate.times[best]
    said = f", and {alike} of {slate.said} said just that" if alike > 1 else ""
    return f"{among} {best} is most like what all said{said}"


def faults_of(slate: Slate) -> dict[str, list[str]]:
    """Lists what is wrong with each candidate.

    A capitalised word counts as a name if at least half of them keep it: Sweden has a German name.
    """
    text = bare(slate.task)
    names = [
        one
        for one in _names(text)
        if 2 * sum(slate.times[at] for at, each in slate.texts.items() if _holds(each, one))
        >= slate.said
    ]
    return {letter: faults(text, each, names) for letter, each in slate.texts.items()}


def faults(text: str, translation: str, names: Sequence[str] = ()) -> list[str]:
    """Lists what is wrong with a translation, which is to keep these names."""
    return [
        *_length(text, translation),
        *_sentences(text, translation),
        *_numbers(text, translation),
        *(f"{name} is missing" for name in names if not _holds(translation, name)),
        *_negations(text, translation),
        *_left_in_english(text, translation),
        *_added_signs(text, translation),
    ]


def _length(text: str, translation: str) -> Iterator[str]:
    is_long = len(text) >= FROM_LETTERS
    if len(translation) < len(text) * (SHORT if is_long else SHORTER):
        yield "much shorter than the text"
    if is_long and len(translation) > len(text) * LONG:
        yield "much longer than the text"


def _sentences(text: str, translation: str) -> Iterator[str]:
    wanted, given = (len(_SENTENCE_END.findall(one)) for one in (text, translation))
    if given < wanted:
        yield "a sentence is missing"
    if given > wanted + 1:  # a long one may well become two
        yield "sentences added"
    if ("?" in text) != ("?" in translation):
        yield "a question became none, or the reverse"


def _numbers(text: str, translation: str) -> Iterator[str]:
    """Compares digits, and number words from two to twelve, which may become digits."""
    text = _AFTERNOON.sub(lambda hour: str(int(hour[1]) % 12 + 12) + hour[2], text)
    translation = _AFTERNOON.sub(lambda hour: str(int(hour[1]) % 12 + 12) + hour[2], translation)
    wanted, given = _digits(text) | _counted(text), _digits(translation)
    missing = [one for one in wanted - given if not _is_written(one, translation)]
    yield from (f"the number {number} is missing" for number in sorted(missing))
    yield from (f"the number {number} was added" for number in sorted(given - wanted))


def _negations(text: str, translation: str) -> Iterator[str]:
    """Compares sentence by sentence, if there are as many, whether anything is denied."""
    text = _NUMERO.sub("", text)
    pairs = list(zip(_split(text), _split(translation), strict=False))
    if len(_split(text)) != len(_split(translation)):
        pairs = [(text, translation)]
    if any(_NOT.search(one) and not _keeps_negation(other) for one, other in pairs):
        yield NEGATION_GONE
    if any(_NICHT.search(other) and not _DENIED.search(one) for one, other in pairs):
        yield NEGATION_ADDED


def _keeps_negation(translation: str) -> bool:
    """Tells whether anything is denied, be it in English, which is another fault; not by `Not`."""
    english = re.sub(r"\bNot\b", "", translation)
    return bool(
        _NICHT.search(translation) or _AS_GOOD_AS_NICHT.search(translation) or _NOT.search(english)
    )


def _split(text: str) -> list[str]:
    return [one for one in _SENTENCE_END.split(text) if one.strip()]


def _digits(text: str) -> set[str]:
    """Reads numbers as their digits alone: 1,200.50 and 1.200,50 are the same."""
    return {re.sub(r"\D", "", number) for number in _NUMBER.findall(text)}


def _counted(text: str) -> set[str]:
    """Reads English number words; "one" is too often no number."""
    said = {word.lower() for word in _WORD.findall(text)}
    return {str(value) for value, word in enumerate(_COUNTED, start=2) if word in said}


def _is_written(number: str, translation: str) -> bool:
    """Tells whether a number stands there as a German word, or in one."""
    stems = dict(enumerate(_GERMAN_STEMS, start=2)).get(int(number))
    return bool(stems) and bool(re.search(rf"\b(?:{stems})", translation, re.I))


def _names(text: str) -> list[str]:
    """Finds names: capitalised words that do not begin a sentence."""
    found = [match[0].removesuffix("'s") for match in _NAME.finditer(text)]
    return [name for name in dict.fromkeys(found) if name not in _NO_NAMES]


def _holds(translation: str, name: str) -> bool:
    german = phrase_book().names.get(name, name)
    return any(one.casefold() in translation.casefold() for one in (name, german))


def _left_in_english(text: str, translation: str) -> Iterator[str]:
    """Finds English function words, and words of the text that stand there unchanged."""
    said = [word for word in _WORD.findall(translation) if word[0].islower()]
    said += [word.lower() for word in _OPENING.findall(translation)]
    source = {word for word in _WORD.findall(text) if word[0].islower()}
    german = {word for one in phrase_book().words.values() for word in one.split()}
    copied = {word for word in said if word in source - german - _ALSO_GERMAN and len(word) > 2}
    short = {word for word in _WORD.findall(translation) if _CONTRACTED.search(word)}
    if left := copied | short | (_ENGLISH & set(said)):
        yield f"left in English: {', '.join(sorted(left))}"


def _added_signs(text: str, translation: str) -> Iterator[str]:
    if any(translation.count(sign) > text.count(sign) for sign in "([{\n"):
        yield "brackets or lines added"
    words = [word.lower() for word in _WORD.findall(translation)]
    pairs = list(pairwise(words))
    if any(one == two for one, two in zip(pairs, pairs[2:], strict=False)):
        yield "words said twice"


def likeness(letter: str, slate: Slate) -> float:
    """Tells how much of a candidate's letters in a row the others share, 0 to 1.

    A text that several said counts as often, so that it is like its own doubles.
    """
    shared = sum(
        (times - (other == letter)) * _alike(slate.texts[letter], slate.texts[other])
        for other, times in slate.times.items()
    )
    return shared / max(1, slate.said - 1)


def _alike(one: str, other: str) -> float:
    shares = []
    for size in range(1, LONGEST_GRAM + 1):
        first, second = _grams(one, size), _grams(other, size)
        total = first.total() + second.total()
        shares.append(2 * (first & second).total() / total if total else 1.0)
    return sum(shares) / len(shares)


def _grams(text: str, size: int) -> Counter[str]:
    text = " ".join(text.lower().split())
    return Counter(text[place : place + size] for place in range(len(text) - size + 1))
