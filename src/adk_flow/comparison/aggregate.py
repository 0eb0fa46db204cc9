"""Measured runs compared: the same conversations under several constructs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from math import comb, sqrt
from operator import attrgetter
from statistics import fmean
from typing import Any, Literal

import msgspec

from adk_flow._data import group_by
from adk_flow.analysis.metrics import plus
from adk_flow.analysis.run_metrics import RunMetrics, Shown, shown_to_specialists
from adk_flow.comparison.baseline import compare_answers
from adk_flow.comparison.crossovers import Winner, find_winners
from adk_flow.comparison.evidence import Gap, find_gaps
from adk_flow.comparison.fault_matrix import FaultMatrix

ComparisonKind = Literal["controlled", "offline", "live", "cassette", "mixed"]
_NARROWEST_FIRST = ("not asked", "one agent", "request", "user", "others", "unknown")


class CassetteUse(msgspec.Struct, frozen=True):
    """How many model calls were answered from a cassette, and how many were made."""

    file: str
    replayed: int
    asked: int
    words: str
    """The same in a sentence."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How the runs of a comparison were made."""

    app: str = ""
    baseline: str = ""
    """Construct that the others are compared with."""
    pace: str = ""
    """Profile by which times are projected; empty where they were measured."""
    slept: bool = False
    """Whether the controlled model really took the time of the profile."""
    price_model: str = ""
    """Model at whose price tokens are priced; empty where each is at its own model's."""
    trials: int = 1
    skipped: dict[str, str] = {}
    """Constructs that could not be wired, with the reason."""
    meanings: dict[str, str] = {}
    """What each construct is, a sentence each."""
    in_adk: dict[str, str] = {}
    """The lines of ADK that make each."""
    abouts: dict[str, str] = {}
    """What each conversation is about, in its own words."""
    changes: dict[str, list[str]] = {}
    """What a construct changes besides the wiring, a clause each."""
    wiring: dict[str, list[str]] = {}
    """Of the constructs that are recommended, which lines of the app's agents each changes."""
    incomplete: dict[str, str] = {}
    """Constructs that lack somebody of the app, or tools of its lead, with what they lack."""
    notes: list[str] = []
    """What else is to be said of how the runs were made, a sentence each."""
    cassette: CassetteUse | None = None
    """What was answered from a cassette, if one was given."""
    stopped: str = ""
    """Why not all runs were made; empty where they were."""

    @property
    def is_measured(self) -> bool:
        """Whether times are as they were, not projected."""
        return self.slept or not self.pace


class ConstructMetrics(
    msgspec.Struct, kw_only=True, rename={"unclosed_activations": "unclosed_frames"}
):
    """A construct over all conversations: means over trials, summed over conversations."""

    construct: str
    llm_calls: float | None = 0
    """None where it is not known, as tokens."""
    reported_llm_calls: float = 0
    input_tokens: float | None = 0
    output_tokens: float | None = 0
    reported_tokens: float | None = 0
    transfers: float = 0
    agent_calls: float = 0
    tool_calls: float = 0
    dollars: float | None = None
    wall_seconds: float = 0
    llm_seconds: float = 0
    critical_path_seconds: float = 0
    parallelism: float | None = None
    runs: int = 0
    checked_runs: int = 0
    """Runs whose answers were checked."""
    passed_runs: int | None = None
    """Those of them that passed; None where nothing is checked."""
    pass_k: float | None = None
    """Share of conversations that passed in all of k trials (pass^k), k being the most that every
    conversation has; None where nothing is checked."""
    pass_interval: tuple[float, float] | None = None
    """Its 95 % interval over conversations (Wilson 1927), of live runs; others are no sample."""
    failed_conversations: list[str] = []
    agreeing_runs: int | None = None
    """Runs that answer as the baseline does; None where that is unknown, and for the baseline."""
    gaps: dict[str, Gap] = {}
    """Conversations that are no evidence for it, failed ones too, each with the first reason."""
    shown: Shown = "unknown"
    unclosed_activations: float = 0
    finding_kinds: dict[str, int] = {}
    after_turns: dict[str, list[float | None]] = {}
    """By conversation, LLM calls made by the end of each turn."""

    @property
    def tokens(self) -> float | None:
        """Tokens in both directions."""
        return plus(self.input_tokens, self.output_tokens)


class Comparison(msgspec.Struct, kw_only=True):
    """The same conversations under several constructs."""

    setting: Setting
    kind: ComparisonKind
    models: list[str]
    adk: list[str]
    """Releases of google-adk that the logs were written under."""
    conversations: list[str]
    constructs: list[ConstructMetrics]
    winners: list[Winner]
    runs: list[RunMetrics]
    faults: FaultMatrix | None = None
    """What each construct makes of a specialist that fails; None where that was not tried."""

    def figures_of(self, construct: str) -> ConstructMetrics | None:
        """Finds a construct's figures."""
        return next((each for each in self.constructs if each.construct == construct), None)

    def runs_of(self, construct: str) -> list[RunMetrics]:
        """Finds a construct's runs."""
        return [run for run in self.runs if run.construct == construct]

    @property
    def baseline(self) -> ConstructMetrics | None:
        """The figures that the others are compared with."""
        return self.figures_of(self.setting.baseline)


def compare_runs(
    runs: Iterable[RunMetrics], setting: Setting, faults: FaultMatrix | None = None
) -> Comparison:
    """Compares measured runs, in the order in which they are given."""
    measured = compare_answers(list(runs), setting.baseline)
    constructs = group_by(measured, lambda run: run.construct)
    gaps: dict[str, dict[str, Gap]] = {name: {} for name in constructs}
    for run, gap in zip(measured, find_gaps(measured), strict=True):
        if gap:
            gaps[run.construct].setdefault(run.conversation, gap)
    kind = _kind(measured)
    return Comparison(
        setting=setting,
        kind="cassette" if setting.cassette and kind == "live" else kind,
        models=_distinct(run.model for run in measured),
        adk=_distinct(run.adk for run in measured),
        conversations=_distinct(run.conversation for run in measured),
        constructs=[_figures(name, each, gaps[name]) for name, each in constructs.items()],
        winners=list(find_winners(measured)),
        runs=measured,
        faults=faults,
    )


def _kind(runs: Sequence[RunMetrics]) -> ComparisonKind:
    """Says who decided: plans and scripts alone, the offline model too, or language models."""
    live = [not (run.controlled or run.offline) for run in runs]
    if any(live):
        return "live" if all(live) else "mixed"
    return "offline" if any(run.offline for run in runs) else "controlled"


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


_SUMMED = (
    *("llm_calls", "reported_llm_calls", "input_tokens", "output_tokens"),
    *("transfers", "agent_calls", "tool_calls", "wall_seconds"),
)


def _figures(construct: str, runs: Sequence[RunMetrics], gaps: dict[str, Gap]) -> ConstructMetrics:
    conversations = group_by(runs, lambda run: run.conversation)

    def mean(of: Callable[[RunMetrics], float | None]) -> Any:
        """Adds up each conversation's mean over its trials; None if a value is not known."""
        means = [_mean_if_known(list(map(of, trials))) for trials in conversations.values()]
        return None if None in means else sum(value or 0.0 for value in means)

    llm = mean(lambda run: run.total.llm_microseconds / 1e6)
    path = mean(lambda run: run.total.critical_path_microseconds / 1e6)
    agrees = [run.agrees for run in runs]
    checked = [trials for trials in conversations.values() if any(run.checked for run in trials)]
    pass_k, interval = _passes(checked) if checked else (None, None)
    return ConstructMetrics(
        construct=construct,
        **{name: mean(attrgetter(f"total.{name}")) for name in _SUMMED},
        reported_tokens=mean(
            lambda run: plus(run.total.reported_input_tokens, run.total.reported_output_tokens)
        ),
        dollars=mean(attrgetter("dollars")),
        llm_seconds=llm,
        critical_path_seconds=path,
        parallelism=llm / path if path else None,
        runs=len(runs),
        checked_runs=sum(run.checked for run in runs),
        passed_runs=sum(run.checked and run.passed for run in runs) if checked else None,
        pass_k=pass_k,
        pass_interval=interval if _kind(runs) == "live" else None,
        failed_conversations=_distinct(run.conversation for run in runs if not run.passed),
        agreeing_runs=None if None in agrees else sum(map(bool, agrees)),
        gaps=gaps,
        shown=max(map(shown_to_specialists, runs), key=_NARROWEST_FIRST.index),
        unclosed_activations=mean(
            lambda run: sum(agent.unclosed_activations for agent in run.total.agents.values())
        ),
        finding_kinds=Counter(finding.kind for run in runs for finding in run.findings),
        after_turns={name: _after_turns(trials) for name, trials in conversations.items()},
    )


def _after_turns(trials: Sequence[RunMetrics]) -> list[float | None]:
    """Adds LLM calls up turn by turn; the mean over the trials that came so far.

    Of a log that lacks lines a whole turn may be lost, and nobody knows before which.
    """
    sums = [
        [None] * len(run.turns)
        if run.total.lacks_lines
        else list(accumulate((turn.llm_calls for turn in run.turns), plus))
        for run in trials
    ]
    turns = range(max(map(len, sums)))
    return [_mean_if_known([calls[n] for calls in sums if n < len(calls)]) for n in turns]


def _mean_if_known(values: Sequence[float | None]) -> float | None:
    """Gives the mean; None if one of the values is not known."""
    return None if None in values else fmean([value or 0 for value in values])


def _passes(checked: Sequence[Sequence[RunMetrics]]) -> tuple[float, tuple[float, float]]:
    """Gives pass^k over conversations, k being the most trials that each has, with its interval."""
    k = min(map(len, checked))
    shares = [estimate_pass_k(len(runs), sum(run.passed for run in runs), k) for runs in checked]
    return fmean(shares), wilson_interval(fmean(shares), len(shares))


def estimate_pass_k(trials: int, passed: int, k: int) -> float:
    """Estimates the chance that k trials all pass, without bias (Yao et al. 2024, tau-bench)."""
    return comb(passed, k) / comb(trials, k)


def wilson_interval(share: float, number: int) -> tuple[float, float]:
    """Gives the 95 % score interval of a share (Wilson 1927)."""
    z = 1.959964
    middle = share + z * z / (2 * number)
    spread = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    scale = 1 + z * z / number
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
