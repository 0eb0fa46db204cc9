"""The fact check: every figure and every source of a text held against what was looked up.

A figure is a number with its unit (£, per cent or none). What is said of it is not read: a figure
that stands in a passage of the source that the paragraph names passes, whatever it is said to be.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Found = Mapping[str, Any]
"""A passage as a look-up returns it: title, text, tax_year, source."""

_FIGURE = re.compile(
    r"(?<![\w.])(?P<pound>£\s?)?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?P<tail>/\d+)?"
    r"(?:\s?(?P<scale>k|m|bn|hundred|thousand|million|billion)\b)?"
    r"(?:\s?(?P<unit>%|per ?cent\b|percent\w*|pounds?\b))?"
)
_SCALES = dict(
    zip(["hundred", "thousand", "million", "billion"], [1e2, 1e3, 1e6, 1e9], strict=True)
)
_SCALES |= {"k": 1e3, "m": 1e6, "bn": 1e9}
_JOINER = re.compile(r"\s*(?:to|or|and|-|–)\s*(?:about |over |up to )?")

_UNITS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELT = {name: number for number, name in enumerate(_UNITS.split(), 2)}
_SPELT |= {name: 10 * number for number, name in enumerate(_TENS.split(), 2)}
_NAMES = "|".join(["one", *_SPELT])
# A spelt number counts as a figure before such a word only: "two ways" is a manner of speaking.
_COUNTED = r"per ?cent|percent|pounds|hundred|thousand|million|billion|years?|months?|weeks?|days?"
_SPELT_FIGURE = re.compile(
    rf"\b(?:{'|'.join(_SPELT)})(?:[\s-](?:{_NAMES}))?(?=[\s-](?:{_COUNTED})\b)", re.I
)
_ONE = re.compile(r"\b(?:a|one)(?= (?:per ?cent|percent|hundred|thousand|million|billion)\b)", re.I)
_SHARES = {
    r"\bthree[\s-]quarters\b": "75 per cent",
    r"\b(?:a|one)[\s-]quarter\b": "25 per cent",
    r"\bhalf of\b": "50 per cent of",
}

_BRACKET = re.compile(r"\(((?:[^()]|\([^()]*\))+)\)")
_CLOSING = re.compile(r"[\s.]*$")
_SOURCE_LINE = re.compile(r"^\W*sources?:\s*(.+)$", re.I | re.M)
_ACCORDING = re.compile(r"\b[Aa]ccording to (?:the )?([A-Z][\w&.'’-]*(?: [A-Z][\w&.'’-]*)*)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)]+")
_TAX_YEAR = re.compile(r",? (?:tax year )?20\d\d/\d\d$")
_LIKE_A_SOURCE = re.compile(r"\w: \w|tax year|^(?:HMRC|FCA|GOV\.UK|MoneyHelper)\b")


class Figure(NamedTuple):
    """A number as it counts, and as it is written."""

    kind: str
    """`£`, `%` or empty; `/` for a tax year or a fraction."""
    value: float | str
    written: str

    @property
    def key(self) -> tuple[str, float | str]:
        """What two figures must share to be the same."""
        return self.kind, self.value


def fact_faults(text: str, passages: Sequence[Found]) -> list[str]:
    """Says what in a text the passages do not bear out; empty if they bear out everything."""
    faults: list[str] = []
    for paragraph in filter(str.strip, re.split(r"\n\s*\n", text)):
        named, strangers = _named(paragraph, passages)
        faults += [f"“{one}” is no source of the research." for one in strangers]
        if not named and not strangers:
            begun = " ".join(paragraph.split()[:5])
            faults.append(f"The paragraph “{begun}…” names no source: give it in brackets.")
        faults += _unsupported(paragraph, named, passages)
    return list(dict.fromkeys(faults))


def unknown_figures(text: str, passages: Iterable[Found]) -> list[str]:
    """Lists the figures of a text that stand in none of the passages, as they are written."""
    known = {key for passage in passages for key in _keys(passage)}
    return [one.written for one in figures(text) if one.key not in known]


def figures(text: str) -> list[Figure]:
    """Reads the figures of a text; one that shares a unit with the next has it too."""
    plain = _SPELT_FIGURE.sub(_in_digits, _ONE.sub("1", text))
    for share, written in _SHARES.items():
        plain = re.sub(share, written, plain, flags=re.I)
    found: list[Figure] = []
    following: re.Match[str] | None = None
    for match in reversed(list(_FIGURE.finditer(plain))):
        kind = _kind(match)
        if not kind and following and _JOINER.fullmatch(plain, match.end(), following.start()):
            kind = "%" if found[-1].kind == "%" else ""
        found.append(Figure(kind, _value(match), match[0].strip()))
        following = match
    return found[::-1]


def _in_digits(spelt: re.Match[str]) -> str:
    return str(sum(_SPELT.get(name, 1) for name in re.split(r"[\s-]", spelt[0].lower())))


def _kind(match: re.Match[str]) -> str:
    if match["tail"]:
        return "/"
    unit = match["unit"] or ""
    return "£" if match["pound"] or unit.startswith("pound") else "%" if unit else ""


def _value(match: re.Match[str]) -> float | str:
    if match["tail"]:
        return match["number"] + match["tail"]
    return round(float(match["number"].replace(",", "")) * _SCALES.get(match["scale"], 1), 6)


def _keys(passage: Found) -> set[tuple[str, float | str]]:
    told = " ".join(str(passage.get(part, "")) for part in ("title", "text", "tax_year"))
    return {figure.key for figure in figures(told)}


def _unsupported(paragraph: str, named: set[str], passages: Sequence[Found]) -> Iterator[str]:
    for figure in figures(_without_sources(paragraph, passages)):
        bearing = [one["source"] for one in passages if figure.key in _keys(one)]
        if not bearing:
            yield f"{figure.written} stands nowhere in the research: take it out."
        elif not named.intersection(bearing):
            yield f"{figure.written} lacks its source in the same paragraph: {bearing[0]}."


def _without_sources(paragraph: str, passages: Iterable[Found]) -> str:
    """Leaves out the names of sources, in which a number is no figure: "the 30-day rule"."""
    for source in {passage["source"] for passage in passages}:
        paragraph = paragraph.replace(source, "")
    return paragraph


def _named(paragraph: str, passages: Iterable[Found]) -> tuple[set[str], list[str]]:
    """Returns the sources that a paragraph names, and what it gives out as one and is none."""
    sources = {_folded(passage["source"]): passage["source"] for passage in passages}
    named, strangers = set[str](), list[str]()
    for claim, is_sure in _claims(paragraph):
        if source := sources.get(_folded(_TAX_YEAR.sub("", claim))):
            named.add(source)
        elif is_sure and not any(one.startswith(_folded(claim)) for one in sources):
            strangers.append(claim)
    return named, strangers


def _claims(paragraph: str) -> Iterator[tuple[str, bool]]:
    """Walks what may be sources, each with whether it can be nothing else."""
    for match in _SOURCE_LINE.finditer(paragraph):
        yield from ((claim.strip(" ."), True) for claim in match[1].split(";"))
    text = _SOURCE_LINE.sub("", paragraph)
    for match in _BRACKET.finditer(text):
        closes = bool(_CLOSING.match(text, match.end()))
        for claim in match[1].split(";"):
            yield claim.strip(), closes or bool(_LIKE_A_SOURCE.search(claim))
    for pattern in (_ACCORDING, _ADDRESS):
        yield from ((match[match.lastindex or 0], True) for match in pattern.finditer(paragraph))


def _folded(name: str) -> str:
    return " ".join(name.replace("’", "'").casefold().split())
