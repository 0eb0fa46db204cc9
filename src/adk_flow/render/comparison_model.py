"""What a comparison says: its heading, tables, sentences and legends, which every format lays out.

The terminal and Markdown show all sections in order; the HTML report places each by its key, with
drawings between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adk_flow._text import join_names, plural
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.evidence import describe_gaps
from adk_flow.comparison.recommend import write_caveats, write_recommendation, write_troubles
from adk_flow.render.comparison_crossovers import crossover_sections
from adk_flow.render.comparison_faults import fault_sections
from adk_flow.render.comparison_findings import FindingGroup, findings_table, group_findings
from adk_flow.render.comparison_tables import (
    calls_table,
    constructs_table,
    costs_table,
    other_baseline,
    reported_calls,
    summary_table,
    times_table,
)
from adk_flow.render.tables import Section, short_name, table_section

_SUMMARY_ROWS = 5
"""Of a table that stands with all else on a screen of 24 lines."""

_KIND_MEANINGS = {
    "controlled": "the same decisions under every construct: only the wiring differs",
    "offline": "the offline model answered, which routes by likeness: decisions may differ",
    "live": "a real model answered: another trial gives other figures",
    "mixed": "controlled and live runs: compare only runs of the same kind",
}


def explain_kind(comparison: Comparison) -> str:
    """Says what runs of this kind show."""
    if use := comparison.setting.cassette if comparison.kind == "cassette" else None:
        asked = f"of a real model's answers {use.asked:,} were asked for just now and "
        known = ": those are no other sample" if use.replayed else ""
        return f"{asked}{use.replayed:,} come out of a file{known}"
    return _KIND_MEANINGS[comparison.kind]


class Report(NamedTuple):
    """What a comparison says; names in it may come from anywhere."""

    title: str
    facts: Sequence[tuple[str, str]]
    """How the runs were made: a label and its value."""
    sections: dict[str, Section]
    """In order; empty ones have nothing to say."""
    crossovers: Sequence[Section]
    """Who wins along an axis: a section an axis."""


def describe_comparison(comparison: Comparison) -> Report:
    """Puts a comparison into words and cells."""
    crossovers = list(crossover_sections(comparison))
    changes = [sentence for section in crossovers for sentence in section.sentences]
    sections = _sections(comparison, changes)
    return Report(_title(comparison), list(_facts(comparison)), sections, crossovers)


def summarize_comparison(comparison: Comparison) -> list[Section]:
    """Says on one screen what was compared, what to take and what went wrong."""
    words = [*write_recommendation(comparison), *_in_short(comparison)]
    return [
        Section(_title(comparison), summary_table(comparison, _SUMMARY_ROWS)),
        *dict(fault_sections(comparison.faults)).values(),
        Section("", sentences=[*words, *write_troubles(comparison)]),
    ]


def _in_short(comparison: Comparison) -> Iterator[str]:
    """Counts serious findings, and conversations that were not answered as asked."""
    if serious := [each for each in group_findings(comparison) if each.level == "serious"]:
        yield f"Serious: {'; '.join(map(_count_constructs, serious))}."
    gaps = [f"{short_name(f.construct)} {len(f.gaps)}" for f in comparison.constructs if f.gaps]
    if gaps and any(len(f.gaps) < len(f.after_turns) for f in comparison.constructs):
        total = plural(len(comparison.conversations), "conversation")
        # Checks say why themselves.
        why = "" if any(run.checked for run in comparison.runs) else describe_gaps(comparison.runs)
        yield f"Not answered as asked, of {total}: {join_names(gaps)}. {why}".rstrip()


def _count_constructs(group: FindingGroup) -> str:
    """Says what a kind of finding is, and under how many constructs it is found."""
    what = group.explanation.partition(" MAST:")[0].removesuffix(".")
    return f"{what[0].lower()}{what[1:]} ({plural(len(group.constructs), 'construct')})"


def _title(comparison: Comparison) -> str:
    app = comparison.setting.app or next((run.app for run in comparison.runs), "")
    title = f"{comparison.kind.capitalize()} comparison{f' of {short_name(app)}' if app else ''}"
    constructs = plural(len(comparison.constructs), "construct")
    conversations = plural(len(comparison.conversations), "conversation")
    return f"{title}: {constructs}, {conversations} × {plural(comparison.setting.trials, 'trial')}"


def describe_setting(comparison: Comparison) -> str:
    """Says on one line how the runs were made."""
    return "; ".join(f"{label} {value}" for label, value in _facts(comparison))


def _facts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    setting, base = comparison.setting, other_baseline(comparison)
    yield "model", ", ".join(map(short_name, comparison.models)) or "unknown"
    yield "google-adk", ", ".join(map(short_name, comparison.adk)) or "unknown"
    if base:
        yield "baseline", base
    if setting.pace:
        yield "latency", f"{setting.pace} ({'slept' if setting.slept else 'projected'})"
    if setting.price_model:
        yield "price", short_name(setting.price_model)


def _sections(comparison: Comparison, changes: Sequence[str]) -> dict[str, Section]:
    constructs = constructs_table(comparison)
    wiring = [
        f"adk-flow wire APP --construct {construct} prints the agents under it as ADK code."
        for construct in comparison.setting.wiring
    ]
    return {
        "calls": Section("LLM calls made by the end of each turn", calls_table(comparison)),
        "costs": Section("Calls, tokens and cost over all conversations", costs_table(comparison)),
        "times": Section("Time, checks and context of specialists", times_table(comparison)),
        "constructs": Section("The constructs", constructs if constructs.rows else None),
        "hidden": Section("What ADK's session does not show", sentences=list(_hidden(comparison))),
        "changes": Section("Where the winner changes", sentences=changes),
        "findings": table_section("Findings", findings_table(comparison)),
        **dict(fault_sections(comparison.faults)),
        "recommendation": Section("Recommendation", sentences=write_recommendation(comparison)),
        "wiring": Section("How to wire it", sentences=wiring),
        "caveats": Section("What to bear in mind", sentences=list(_caveats(comparison))),
    }


def _hidden(comparison: Comparison) -> Iterator[str]:
    """Says where ADK's session shows fewer LLM calls than were made."""
    known = (figures for figures in comparison.constructs if figures.llm_calls is not None)
    hiding = (figures for figures in known if figures.reported_llm_calls < (figures.llm_calls or 0))
    if parts := [f"{short_name(each.construct)} {reported_calls(each)}" for each in hiding]:
        yield f"ADK's session shows only some of the LLM calls: {join_names(parts)}."


def _caveats(comparison: Comparison) -> Iterator[str]:
    yield from write_caveats(comparison)
    if damaged := sum(run.damaged_lines for run in comparison.runs):
        yield f"Lines of the logs that could not be read and are left out: {damaged}."
    if missing := sum(run.missing_lines for run in comparison.runs):
        yield f"Lines that are missing in the logs: {missing}."
