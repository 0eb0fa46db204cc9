"""How a conversation went under several releases, laid side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow._text import join_names
from adk_flow.releases.differences import HookTable, ReleaseDifference, find_differences
from adk_flow.releases.hook_trace import align_calls
from adk_flow.releases.runner import ReleaseRun


class Alignment(NamedTuple):
    """Releases side by side."""

    app: str
    turns: int
    """Turns that were asked for."""
    runs: list[ReleaseRun]
    """Of all releases, those too under which the conversation could not be run."""
    table: HookTable
    """Hooks of the others."""
    differences: list[ReleaseDifference]
    figures: dict[str, dict[str, Any]]
    """What the conversation took, by what is counted and by release."""

    @property
    def failed(self) -> dict[str, str]:
        """Why the conversation could not be run, by release."""
        return {run.release: run.outcome.error for run in self.runs if run.outcome.error}

    @property
    def notes(self) -> dict[str, list[str]]:
        """What went wrong, in words, with the releases under which it did."""
        notes: dict[str, list[str]] = {}
        for run in self.runs:
            reasons = [
                f"turn {turn} {reason}"
                for turn, reasons in enumerate(run.outcome.failed, start=1)
                for reason in reasons
            ]
            for note in filter(None, [*reasons, run.outcome.left]):
                notes.setdefault(note, []).append(run.release)
        return notes


_FIGURES = {
    "llm_calls": "LLM calls",
    "reported_llm_calls": "of them in ADK's session",
    "tool_calls": "tool calls",
    "transfers": "transfers",
    "agent_calls": "agent calls",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
}


def align_releases(app: str, turns: int, runs: Sequence[ReleaseRun]) -> Alignment:
    """Lays what was recorded under releases side by side."""
    complete = [run for run in runs if not run.outcome.error]
    calls = {run.release: run.calls for run in complete}
    table = HookTable(
        calls=calls,
        rows=align_calls(calls),
        hooks={run.release: run.outcome.hooks for run in complete},
        root=complete[0].outcome.kind if complete else "",
    )
    figures = {
        name: {run.release: getattr(run.figures, field) for run in complete}
        for field, name in _FIGURES.items()
    }
    differences = find_differences(table)
    for name, counts in figures.items():
        if len(set(counts.values())) > 1:
            values = {release: f"{count:,}" for release, count in counts.items()}
            differences.append(ReleaseDifference(f"{name} are", "", [], values))
    return Alignment(app, turns, list(runs), table, differences, figures)


def name_releases(some: Sequence[str], releases: Sequence[str]) -> str:
    """Names some of the releases: `1.18.0 and 2.0.0`, `up to 1.39.1`, `2.0.0 on`, `all`."""
    some = [release for release in releases if release in some]
    if len(some) > 1 and some == list(releases):
        return "all"
    if len(some) > 1 and list(releases[-len(some) :]) == some:
        return f"{some[0]} on"
    if len(some) > 1 and list(releases[: len(some)]) == some:
        return f"up to {some[-1]}"
    return join_names(some)
