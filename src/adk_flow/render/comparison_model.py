"""What a comparison shows, in titles and cells, before a terminal or Markdown lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adk_flow._text import one_line
from adk_flow.analysis.findings import KINDS
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics

FAILED = "!"
COSTS = "Calls and cost over all conversations"
TIMES = "Time in seconds, checks and what specialists see"
HIDDEN = "What ADK's session hides"
CHANGES = "Where the winner changes"
FINDINGS = "Findings"
RECOMMENDATION = "Recommendation"
CAVEATS = "What to bear in mind"
CALLS = "LLM calls made by the end of each turn"
_LONGEST_NAME = 60


class Cells(NamedTuple):
    """A table's words: safe to print, not yet escaped."""

    header: list[str]
    rows: list[list[str]]


def named(name: str) -> str:
    """Writes a name that may come from anywhere."""
    return one_line(name, _LONGEST_NAME) or "(no name)"


def calls(comparison: Comparison, most_turns: int | None = None) -> Cells:
    """Gives the LLM calls of each construct in each conversation, long ones shortened."""
    rows = [
        [
            named(one.construct),
            *(_calls(one, name, most_turns) for name in comparison.conversations),
        ]
        for one in comparison.constructs
    ]
    return Cells(["construct", *map(named, comparison.conversations)], rows)


def _calls(figures: ConstructMetrics, conversation: str, most_turns: int | None) -> str:
    if conversation not in figures.after_turns:
        return "–"
    failed = FAILED if conversation in figures.failed_conversations else ""
    return after_turns(figures.after_turns[conversation], most_turns) + failed


def after_turns(counts: Sequence[float], most: int | None = None) -> str:
    """Joins what had been called by the end of each turn."""
    told = [f"{count:.4g}" for count in counts] or ["0"]
    if most is not None and len(told) > max(most, 2):
        told = [told[0], "…", told[-1]]
    return "→".join(told)


def compared_with(comparison: Comparison) -> ConstructMetrics | None:
    """Gives the baseline, if there is another construct to compare with it."""
    return comparison.baseline if len(comparison.constructs) > 1 else None


def costs(comparison: Comparison) -> Cells:
    """Gives calls, tokens and cost, and their difference to the baseline."""
    base = compared_with(comparison)
    header = ["construct", "LLM calls", "ADK's session", "tokens (k)", "cost ($)"]
    if base:
        header += ["calls, difference", "cost, difference"]
    rows = [
        [
            named(one.construct),
            f"{one.llm_calls:.4g}",
            _reported(one),
            f"{(one.input_tokens + one.output_tokens) / 1000:.1f}",
            "unknown" if one.dollars is None else f"{one.dollars:.4f}",
            *(_differences(one, base) if base else ()),
        ]
        for one in comparison.constructs
    ]
    return Cells(header, rows)


def _reported(one: ConstructMetrics) -> str:
    lacks = one.llm_calls - one.reported_llm_calls
    return f"{one.reported_llm_calls:.4g}" + (f" (-{lacks:.4g})" if lacks > 0 else "")


def _differences(one: ConstructMetrics, base: ConstructMetrics) -> tuple[str, str]:
    difference = difference_to(one, base)
    if one is base or difference is None:
        return ("–", "–")
    cost = difference["dollars"]
    share = f"{100 * cost / base.dollars:+.0f} %" if cost is not None and base.dollars else "–"
    return f"{difference['llm_calls']:+.4g}", share


def difference_to(
    one: ConstructMetrics, base: ConstructMetrics | None
) -> dict[str, float | None] | None:
    """Gives LLM calls and dollars beyond the baseline's; None if other conversations were held."""
    if base is None or one.after_turns.keys() != base.after_turns.keys():
        return None
    dollars = None
    if one.dollars is not None and base.dollars is not None:
        dollars = one.dollars - base.dollars
    return {"llm_calls": one.llm_calls - base.llm_calls, "dollars": dollars}


def failed_legend(comparison: Comparison) -> str:
    """Says what the sign of a failure means; empty where there is none."""
    if not any(one.failed_conversations for one in comparison.constructs):
        return ""
    return f"{FAILED} an answer lacks what was asked for, or a turn failed"


def difference_legend(comparison: Comparison) -> str:
    """Says to which construct the differences are; empty where there are none."""
    base = compared_with(comparison)
    return f"difference: to {named(base.construct)}, the baseline" if base else ""


def sight_legend(comparison: Comparison) -> str:
    """Says what the figures of the last columns mean."""
    seen = "they see: what specialists see beside what they said and called themselves"
    if comparison.setting.trials == 1:
        return seen
    return f"pass^k: conversations passed in every trial, and its 95 % interval; {seen}"


def times(comparison: Comparison) -> Cells:
    """Gives times, what passed, and what specialists see; wall time where it was measured."""
    has_trials = comparison.setting.trials > 1
    is_measured = comparison.setting.is_measured
    header = [
        "construct",
        *(["wall"] if is_measured else []),
        "LLM time",
        "critical path",
        "parallelism",
        "passed",
    ]
    header += ["pass^k", "they see"] if has_trials else ["they see"]
    rows = [
        [
            named(one.construct),
            *([_seconds(one.wall_seconds)] if is_measured else []),
            _seconds(one.llm_seconds),
            _seconds(one.critical_path_seconds),
            "–" if one.parallelism is None else f"{one.parallelism:.2f}",
            _passed(one),
            *([_pass_k(one)] if has_trials else []),
            one.shown,
        ]
        for one in comparison.constructs
    ]
    return Cells(header, rows)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"


def _passed(one: ConstructMetrics) -> str:
    if one.pass_k is None and one.passed_runs == one.runs:
        return "unchecked"
    return f"{one.passed_runs}/{one.runs}"


def _pass_k(one: ConstructMetrics) -> str:
    if one.pass_k is None or one.pass_interval is None:
        return "–"
    low, high = one.pass_interval
    return f"{100 * one.pass_k:.0f} % ({100 * low:.0f}–{100 * high:.0f})"


def findings_told(comparison: Comparison) -> Cells:
    """Counts findings by kind, serious ones first, with the constructs that have them."""
    found = [finding for run in comparison.runs for finding in run.findings]
    serious = {finding.kind for finding in found if finding.level == "serious"}
    kinds = {finding.kind for finding in found}
    rows = []
    for kind in sorted(kinds, key=lambda kind: (kind not in serious, KINDS.index(kind))):
        counts = [(one.construct, one.finding_kinds.get(kind, 0)) for one in comparison.constructs]
        total = sum(count for _, count in counts)
        level = "serious" if kind in serious else "notice"
        who = ", ".join(f"{named(name)} {count}" for name, count in counts if count)
        rows.append([kind.replace("_", " "), level, str(total), who])
    return Cells(["finding", "level", "total", "by construct"], rows)
