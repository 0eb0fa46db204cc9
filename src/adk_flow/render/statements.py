"""What a comparison shows, in sentences, before a terminal or Markdown lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from adk_flow._text import plural
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.crossovers import Axis, Winner
from adk_flow.render.comparison_model import compared_with, named

_AXES: dict[Axis, str] = {"follow-ups": "follow-up", "topics in one message": "topic"}
_MOST_NAMES = 3
"""Winners that a sentence names."""


def heading(comparison: Comparison) -> list[str]:
    """Says what was compared: a line on the runs, a line on the setting."""
    setting = comparison.setting
    trials = plural(setting.trials, "trial")
    conversations = plural(len(comparison.conversations), "conversation")
    constructs = plural(len(comparison.constructs), "construct")
    app = f" of {named(setting.app)}" if setting.app else ""
    parts = [
        f"model {', '.join(map(named, comparison.models)) or 'unknown'}",
        f"google-adk {', '.join(map(named, comparison.adk)) or 'unknown'}",
    ]
    if compared_with(comparison):
        parts.append(f"baseline {named(setting.baseline)}")
    return [
        f"{comparison.kind.capitalize()} comparison{app}: {constructs}, {conversations} × {trials}",
        "; ".join(parts),
    ]


def hidden(comparison: Comparison) -> str:
    """Says where ADK's session shows fewer LLM calls than were made; empty if nowhere."""
    parts = [
        f"{named(one.construct)} {one.reported_llm_calls:.4g} of {one.llm_calls:.4g}"
        for one in comparison.constructs
        if one.reported_llm_calls < one.llm_calls
    ]
    return f"ADK's session shows only some of the LLM calls: {', '.join(parts)}." if parts else ""


def changes(comparison: Comparison) -> list[str]:
    """Says where the winner changes along each axis, and last where it stays the same."""
    told, same = [], []
    if len(comparison.constructs) == 1:
        return told
    for (axis, figure), winners in _series(comparison.winners):
        runs = [list(group) for _, group in groupby(winners, key=lambda one: one.constructs)]
        if len(runs) > 1:
            spans = "; ".join(f"{_who(one[0])} {_span(one)}" for one in runs)
            told.append(f"{_least(figure)[0].upper()}{_least(figure)[1:]} by {axis}: {spans}.")
        elif len(winners) > 1:
            same.append(f"{_least(figure)} by {axis} ({_who(winners[0])})")
    if same:
        told.append(f"The same throughout: {'; '.join(same)}.")
    return told


def _series(winners: Iterable[Winner]) -> Iterable[tuple[tuple[Axis, str], list[Winner]]]:
    series: dict[tuple[Axis, str], list[Winner]] = {}
    for winner in winners:
        series.setdefault((winner.axis, winner.figure), []).append(winner)
    return series.items()


def _least(figure: str) -> str:
    return f"{'shortest' if figure == 'critical path' else 'fewest'} {figure}"


def _who(winner: Winner) -> str:
    names = [named(name) for name in winner.constructs[:_MOST_NAMES]]
    more = len(winner.constructs) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _span(winners: Sequence[Winner]) -> str:
    first, last = winners[0].point, winners[-1].point
    noun = _AXES[winners[0].axis]
    return f"at {plural(first, noun)}" if first == last else f"at {first} to {last} {noun}s"
