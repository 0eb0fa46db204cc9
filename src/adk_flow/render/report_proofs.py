"""Sentences of a report whose names and figures lead to what proves them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from markupsafe import Markup, escape

from adk_flow._text import format_dollars, format_seconds, plural
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics
from adk_flow.render.comparison_tables import reported_calls
from adk_flow.render.report_links import runs_of
from adk_flow.render.tables import short_name
from adk_flow.render.templates import clean

_SECTIONS = {
    "visibility": "receive nothing but their request|may receive messages of the user"
    "(?: and of other agents)?",
    "calls": r"(?:\d+ (?:of \d+ )?constructs that )?answered(?: more than)? "
    r"(?:\d+ of \d+ conversations|the conversation)(?: as asked)?|no answer was checked",
    "figures": "costs? (?:least|the same)",
    "waterfalls": "(?:shortest|on the) critical path",
}
"""Sections of the report that prove what a sentence says of all constructs."""


def prover(comparison: Comparison) -> Callable[[str], Markup]:
    """Makes what links names and figures in a sentence to the runs that they are of.

    A figure that several constructs have is that of the one named last before it.
    """
    owners: dict[str, list[str]] = {}
    for figures in comparison.constructs:
        for words in filter(None, _figures(figures)):
            owners.setdefault(words, []).append(figures.construct)
    known = "|".join(map(re.escape, sorted(owners, key=len, reverse=True)))
    either = "|".join([*_SECTIONS.values(), *([rf"(?<![\w,.])(?:{known})(?!\w)"] * bool(owners))])

    def prove(sentence: str) -> Markup:
        text, end, pieces = clean(sentence), 0, list[Markup]()
        for found in re.finditer(either, text):
            pieces += [escape(text[end : found.start()]), _linked(found)]
            end = found.end()
        return Markup("").join([*pieces, escape(text[end:])])

    def _linked(found: re.Match[str]) -> Markup:
        words, before = found[0], found.string[: found.end()]
        sections = (name for name, form in _SECTIONS.items() if re.fullmatch(form, words))
        owner = max(owners.get(words, [""]), key=before.rfind)
        return Markup('<a href="#{}">{}</a>').format(next(sections, runs_of(owner)), words)

    return prove


def _figures(figures: ConstructMetrics) -> Iterator[str]:
    """Writes a construct's name and figures as sentences do."""
    yield from (figures.construct, short_name(figures.construct))
    yield plural(figures.llm_calls, "LLM call")
    yield reported_calls(figures)
    yield format_seconds(figures.critical_path_seconds)
    yield "" if figures.tokens is None else f"{figures.tokens:,.0f} tokens"
    yield "" if figures.dollars is None else format_dollars(figures.dollars)
