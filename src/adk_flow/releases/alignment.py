"""How a conversation went under several releases, laid side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adk_flow._text import join_names
from adk_flow.releases.differences import HookTable, ReleaseDifference, find_differences
from adk_flow.releases.hook_trace import align_calls
from adk_flow.releases.runner import ReleaseRun


class Alignment(NamedTuple):
    """Releases side by side."""

    app: str
    turns: int
    """Turns that were asked for."""
    ran: list[ReleaseRun]
    """All releases, those too under which nothing could be held."""
    laid: HookTable
    """The others."""
    differences: list[ReleaseDifference]

    @property
    def failed(self) -> dict[str, str]:
        """Why nothing could be held, by release."""
        return {one.release: one.outcome.error for one in self.ran if one.outcome.error}

    @property
    def figures(self) -> dict[str, dict[str, int]]:
        """What the conversation took, by what is counted and by release."""
        held = [one for one in self.ran if not one.outcome.error]
        return {
            name: {one.release: getattr(one.figures, field) for one in held}
            for field, name in _FIGURES.items()
        }

    @property
    def notes(self) -> dict[str, list[str]]:
        """What went wrong, in words, with the releases under which it did."""
        notes: dict[str, list[str]] = {}
        for one in self.ran:
            told = [
                f"turn {turn} {reason}"
                for turn, reasons in enumerate(one.outcome.failed, start=1)
                for reason in reasons
            ]
            told += [one.outcome.left] if one.outcome.left else []
            for note in told:
                notes.setdefault(note, []).append(one.release)
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


def align_releases(app: str, turns: int, ran: Sequence[ReleaseRun]) -> Alignment:
    """Lays what was recorded under releases side by side."""
    held = [one for one in ran if not one.outcome.error]
    fired = {one.release: one.fired for one in held}
    laid = HookTable(
        fired=fired,
        rows=align_calls(fired),
        heard={release: frozenset(one.hook for one in those) for release, those in fired.items()},
        hooks={one.release: one.outcome.hooks for one in held},
        root=held[0].outcome.kind if held else "",
    )
    beside = Alignment(app, turns, list(ran), laid, find_differences(laid))
    beside.differences.extend(_of_figures(beside))
    return beside


def _of_figures(beside: Alignment) -> Iterator[ReleaseDifference]:
    for name, by_release in beside.figures.items():
        if len(set(by_release.values())) > 1:
            values = {release: f"{count:,}" for release, count in by_release.items()}
            yield ReleaseDifference(f"{name} are", "", [], values)


def name_releases(some: Sequence[str], releases: Sequence[str]) -> str:
    """Names some of the releases: `1.18.0 and 2.0.0`, `up to 1.39.1`, `2.0.0 on`, `all`."""
    some = [one for one in releases if one in some]
    if len(some) > 1 and some == list(releases):
        return "all"
    if len(some) > 1 and list(releases[-len(some) :]) == some:
        return f"{some[0]} on"
    if len(some) > 1 and list(releases[: len(some)]) == some:
        return f"up to {some[-1]}"
    return join_names(some)
