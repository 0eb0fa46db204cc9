"""What a text gives out as its sources, held against those of the passages that were looked up."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Found = Mapping[str, Any]
"""A passage as a look-up returns it: title, text, tax_year, source."""

_BRACKET = re.compile(r"\(((?:[^()]|\([^()]*\))+)\)|\[([^\[\]]+)\]")
_CLOSING = re.compile(r"[\s.]*$")
_SOURCE_LINE = re.compile(r"^\W*sources?:\s*(.+)$", re.I | re.M)
_TAX_YEAR = re.compile(r",? (?:tax year )?20\d\d/\d\d$")
_LIKE_A_SOURCE = re.compile(r"\w: \w|tax year|^(?:HMRC|FCA|GOV\.UK|MoneyHelper)\b")

_NAME = r"[A-Z][\w&.'’-]*(?:(?: (?:of|for|and|&)(?: the)?)? [A-Z][\w&.'’-]*)*"
_TOLD = (
    "reported|confirmed|stated|noted|announced|published|explained|estimated|quoted|shown|said"
    "|calculated|recommended|suggested|found|predicted|forecast|claimed|written"
)
_BEFORE = re.compile(
    rf"\b(?i:according to|as per|(?:{_TOLD}) (?:by|on|in)|data from|figures from|research by"
    rf"|survey by)(?: [Tt]he)? ({_NAME})"
)
_SAYS = (
    "says?|said|tells|told|confirms?|warns?|announces|explains?|writes|wrote|advises|recommends?"
    "|reckons?|reckoned|predicts?|calculates|expects"
)
# Nouns or participles as well: "ISA claims are paid", "funds recommended by a friend".
_SAYS_THAT = (
    "reports?|claims?|notes?|estimates?|states?|suggests?|shows?|forecasts?|finds?|puts|confirmed"
    "|stated|reported|warned|announced|explained|advised|recommended|predicted|calculated|found"
    "|estimated|suggested|noted|claimed"
)
_SHOWS = r"(?:data|figures|research|statistics|surveys?) (?:shows?|suggests?|puts?)"
_AFTER = re.compile(
    rf"(?<![\w.])(?:The |the )?({_NAME}),?(?: (?:also|has|have|had|now))*"
    rf" (?:(?:{_SAYS}|{_SHOWS})\b|(?:{_SAYS_THAT})\b(?= (?:that|it|so|the)\b|:| [“\"£\d]))"
)
_NOBODY = {
    *["It", "He", "She", "They", "You", "We", "I", "This", "That", "These", "Those", "Who", "What"],
    *["As", "If", "Once", "When", "Where", "Unless", "And", "But", "Then", "Nobody", "Everybody"],
}
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s)\]]+"
    r"|(?<![\w@./])(?:[A-Za-z][\w-]*\.)+(?:[a-z]{2,}|[A-Z]{2,})\b(?:/[^\s)\]]*)?"
)


class Claim(NamedTuple):
    """Words that may name a source."""

    name: str
    written: str
    """The words that give the name out as a source, with the name."""
    is_sure: bool
    """Whether it can be nothing else."""


def sources_of(paragraph: str, passages: Sequence[Found]) -> tuple[set[str], list[str]]:
    """Returns the sources that a paragraph names, and what it gives out as one and is none."""
    sources = {_folded(passage["source"]): passage["source"] for passage in passages}
    told = _folded(" ".join(str(passage.get("text", "")) for passage in passages))
    named, strangers = set[str](), list[str]()
    for claim in _claims(paragraph):
        if source := sources.get(_folded(_TAX_YEAR.sub("", claim.name))):
            named.add(source)
        elif claim.is_sure and not _is_known(claim, sources, told):
            strangers.append(claim.name)
    return named, strangers


def without_sources(paragraph: str, passages: Iterable[Found]) -> str:
    """Leaves out the names of sources, in which a number is no figure: "the 30-day rule"."""
    for source in {passage["source"] for passage in passages}:
        paragraph = paragraph.replace(source, "")
    return paragraph


def _is_known(claim: Claim, sources: Iterable[str], told: str) -> bool:
    """Whether a claim shortens a source's name, or a passage says the same."""
    name = re.escape(_folded(claim.name))
    if any(re.match(rf"{name}(?!\w)", one) for one in sources):
        return True
    return claim.written != claim.name and _folded(claim.written) in told


def _claims(paragraph: str) -> Iterator[Claim]:
    for match in _SOURCE_LINE.finditer(paragraph):
        yield from (_claim(name, is_sure=True) for name in match[1].split(";"))
    text = _SOURCE_LINE.sub("", paragraph)
    for match in _BRACKET.finditer(text):
        is_note = bool(match[2]) and not match[2][:1].islower()
        is_sure = is_note or bool(_CLOSING.match(text, match.end()))
        for name in (match[1] or match[2]).split(";"):
            yield _claim(name, is_sure=is_sure or bool(_LIKE_A_SOURCE.search(name.strip())))
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(paragraph):
            if match[1] not in _NOBODY:
                yield Claim(match[1].rstrip("."), match[0], is_sure=True)
    for match in _ADDRESS.finditer(paragraph):
        yield Claim(match[0].rstrip(".,;:"), f"{match[0]} ", is_sure=True)


def _claim(name: str, *, is_sure: bool) -> Claim:
    name = name.strip(" .")
    return Claim(name, name, is_sure)


def _folded(name: str) -> str:
    return " ".join(name.replace("’", "'").casefold().split())
