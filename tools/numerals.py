"""The figures of a text, in digits and in words, each a number with its unit.

A unit is £, per cent, a period, times or none. A share is a figure in per cent, however it is told.
"""

import re
from typing import NamedTuple

_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELT = {name: number for number, name in enumerate(_UNITS.split(), 1)}
_SPELT |= {name: 10 * number for number, name in enumerate(_TENS.split(), 2)}
_SPELT |= {"a": 1, "dozen": 12, "half a dozen": 6}
_NAMES = "|".join(_SPELT)
_SMALL = "|".join(_UNITS.split()[:9])
_SPELT_NUMBER = (
    rf"half a dozen|(?:(?:a|{_SMALL}) )?dozen(?= )|(?:{'|'.join(_TENS.split())})[\s-](?:{_SMALL})"
    r"|a(?= (?:per ?cent|percent|hundred|thousand|million|billion)\b)"
    rf"|{'|'.join(sorted({*_UNITS.split(), *_TENS.split()}, key=len, reverse=True))}"
)
_PERIOD = (
    r"(?:(?:working|calendar|business|full|whole|complete|clear|tax|qualifying|consecutive|further"
    r"|more|extra)[\s-])?(?P<period>day|week|month|year)s?\b(?! old\b| of age\b)"
)
_FIGURE = re.compile(
    r"(?<![\w.])(?P<pound>£\s?)?"
    rf"(?:(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)|(?P<spelt>(?i:{_SPELT_NUMBER}))\b)"
    r"(?P<tail>/\d+)?(?:[\s-]?(?P<scale>k|m|bn|(?i:hundred|thousand|million|billion))\b)?"
    r"(?:\s?(?P<unit>(?i:%|per ?cent\b|percent\w*|pounds?\b))"
    rf"|[\s-]?(?i:(?P<times>times\b)|{_PERIOD}))?"
)
_SCALES = dict(
    zip(["hundred", "thousand", "million", "billion"], [1e2, 1e3, 1e6, 1e9], strict=True)
)
_SCALES |= {"k": 1e3, "m": 1e6, "bn": 1e9}
_JOINER = re.compile(r"\s*(?:to|or|and|-|–)\s*(?:about |over |up to )?")
_SHARED = ("%", "times", "day", "week", "month", "year")
"""Kinds that a figure has from the next: "18 or 24 per cent"."""
_SHORTEST_ALONE = 10
"""From here on a number in words is a figure by itself: "two ways" is a manner of speaking."""

_PARTS = {"quarter": 4, "third": 3, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_PARTS |= {"ninth": 9, "tenth": 10}
_PART = "|".join(_PARTS)
_SHARE = re.compile(
    rf"\b(?:(?:(?:a|one)[\s-](?:quarter|(?:{_PART})(?=[\s-]of\b))|one[\s-](?:{_PART}))"
    rf"|(?P<many>{_SMALL})[\s-](?:{_PART})s"
    r"|half(?= (?:of|the|your|their|our|all|its)\b))\b",
    re.I,
)
_IN = re.compile(
    rf"(?<![\w.£,])(?P<few>\d+|{_NAMES})(?: people)? (?:in|out of)(?: every)? "
    rf"(?P<all>\d{{1,3}}|{_NAMES})\b(?![,.]\d|/\d|[\s-](?:{_PERIOD}|%|per ?cent\b|percent\b))",
    re.I,
)
_TWICE = re.compile(r"(?<!think )\b(?:twice|double(?= (?:the|your|their|that|its|what)\b))", re.I)
_THRICE = re.compile(r"\b(?:thrice|treble|triple)\b", re.I)
_MANY = re.compile(r"\b(?:tens|scores|dozens|hundreds|thousands|millions|billions) of\b", re.I)


class Figure(NamedTuple):
    """A number as it counts, and as it is written."""

    kind: str
    """`£`, `%`, `times`, `day`, `week`, `month`, `year` or empty.

    `/` for a tax year or a fraction, `of` for "millions of".
    """
    value: float | str
    written: str

    @property
    def key(self) -> tuple[str, float | str]:
        """What two figures must share to be the same."""
        return self.kind, self.value


def figures(text: str) -> list[Figure]:
    """Reads the figures of a text, shares first; one has the unit that it shares with the next."""
    found: list[Figure] = []

    def taken(match: re.Match[str]) -> str:
        found.extend(_told(match))
        return "," * len(match[0]) if _told(match) else match[0]

    for pattern in (_IN, _SHARE, _TWICE, _THRICE, _MANY):
        text = pattern.sub(taken, text)
    return [*found, *_numbers(text)]


def _told(match: re.Match[str]) -> list[Figure]:
    """Reads a figure that is told in words: "nine in ten", "a third of", "twice", "millions of"."""
    written, plain = match[0], match[0].lower()
    if match.re is _TWICE or match.re is _THRICE:
        return [Figure("times", 2 if match.re is _TWICE else 3, written)]
    if match.re is _MANY:
        return [Figure("of", plain.split()[0], written)]
    if match.re is _IN:
        few, all_ = (_count(match[name]) for name in ("few", "all"))
        return [Figure("%", round(100 * few / all_, 6), written)] if 0 < few < all_ else []
    few = _SPELT[match["many"].lower()] if match["many"] else 1
    parts = next((number for name, number in _PARTS.items() if name in plain), 2)
    return [Figure("%", round(100 * few / parts, 6), written)]


def _numbers(text: str) -> list[Figure]:
    found: list[Figure] = []
    following: re.Match[str] | None = None
    kind = ""
    for match in reversed(list(_FIGURE.finditer(text))):
        joined = following and _JOINER.fullmatch(text, match.end(), following.start())
        shared = kind if joined and kind in _SHARED else ""
        kind = _kind(match) or shared
        value = _value(match)
        following = match
        if match["spelt"] and _is_manner_of_speaking(match, kind, value):
            continue
        found.append(Figure(kind, value, match[0].strip()))
    return found[::-1]


def _is_manner_of_speaking(match: re.Match[str], kind: str, value: float | str) -> bool:
    """Whether a number in words says no more than "two ways" or "one day"."""
    if match["scale"] or kind in ("£", "%") or "dozen" in match["spelt"].lower():
        return False
    return value == 1 or (not kind and isinstance(value, float) and value < _SHORTEST_ALONE)


def _kind(match: re.Match[str]) -> str:
    if match["tail"]:
        return "/"
    unit = (match["unit"] or "").lower()
    if match["pound"] or unit.startswith("pound"):
        return "£"
    if unit or match["times"]:
        return "%" if unit else "times"
    is_date = re.fullmatch(r"(?:19|20)\d\d", match["digits"] or "")
    return "" if is_date else (match["period"] or "").lower()


def _value(match: re.Match[str]) -> float | str:
    if match["tail"]:
        return (match["digits"] or match["spelt"]) + match["tail"]
    scale = _SCALES.get((match["scale"] or "").lower(), 1)
    return round(_count(match["digits"] or match["spelt"]) * scale, 6)


def _count(number: str) -> float:
    """Reads a number in digits or words."""
    plain = " ".join(re.split(r"[\s-]", number.lower()))
    if plain[0].isdigit():
        return float(plain.replace(",", ""))
    if plain in _SPELT:
        return float(_SPELT[plain])
    first, second = (_SPELT[name] for name in plain.split())
    return float(first * second if second == _SPELT["dozen"] else first + second)
