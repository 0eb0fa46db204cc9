"""The fact check: every figure and every source of a text held against what was looked up.

What is said of a figure is not read: one that stands in a passage of the source that the paragraph
names passes, whatever it is said to be.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from tools.numerals import figures
from tools.sources import Found, sources_of, without_sources
from tools.style import sentences_of


def fact_faults(text: str, passages: Sequence[Found]) -> list[str]:
    """Says what in a text the passages do not bear out; empty if they bear out everything."""
    faults: list[str] = []
    for paragraph in filter(str.strip, re.split(r"\n\s*\n", text)):
        named, strangers = sources_of(paragraph, passages)
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


def _keys(passage: Found) -> set[tuple[str, float | str]]:
    told = " ".join(str(passage.get(part, "")) for part in ("title", "text", "tax_year"))
    return {figure.key for figure in figures(told)}


def _unsupported(paragraph: str, named: set[str], passages: Sequence[Found]) -> Iterator[str]:
    for figure in figures(without_sources(paragraph, passages)):
        bearing = [one["source"] for one in passages if figure.key in _keys(one)]
        if not bearing:
            yield f"{figure.written} stands nowhere in the research: take it out."
        elif not named.intersection(bearing):
            yield f"{figure.written} lacks its source in the same paragraph: {bearing[0]}."


def borne_out(text: str, passages: Sequence[Found]) -> str:
    """Leaves out the paragraphs and sentences that the passages do not bear out; maybe all."""
    kept: list[str] = []
    for paragraph in filter(str.strip, re.split(r"\n\s*\n", text.strip())):
        if fact_faults(paragraph, passages):
            sentences, cited = sentences_of(paragraph)
            held = [one for one in sentences if not fact_faults(f"{one} {cited}", passages)]
            paragraph = " ".join([*held, cited]) if held else ""
        kept.append(paragraph)
    return "\n\n".join(filter(None, kept))
