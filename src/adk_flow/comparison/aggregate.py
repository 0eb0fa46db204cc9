"""Measured runs laid side by side: the same conversations under several constructs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import comb, sqrt
from statistics import fmean
from typing import Literal

import msgspec

from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.run_metrics import RunMetrics, Shown, shown_to_specialists
from adk_flow.comparison.crossovers import Winner, find_winners

_WIDEST_FIRST: tuple[Shown, ...] = (
    "unknown",
    "others",
    "user",
    "request",
    "one agent",
    "not asked",
)


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
    left_out: list[str] = []
    """What of the app is not rewired, each with its reason."""
    lost_tools: dict[str, list[str]] = {}
    """Constructs in which nobody has the lead's own tools, with these."""
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
    llm_calls: float = 0
    reported_llm_calls: float = 0
    input_tokens: float = 0
    output_tokens: float = 0
    reported_tokens: float = 0
    transfers: float = 0
    agent_calls: float = 0
    tool_calls: float = 0
    dollars: float | None = None
    wall_seconds: float = 0
    llm_seconds: float = 0
    critical_path_seconds: float = 0
    parallelism: float | None = None
    runs: int = 0
    passed_runs: int = 0
    pass_k: float | None = None
    """Share of conversations that passed in all of k trials (pass^k), k being the most that every
    conversation has; None where nothing is checked."""
    pass_interval: tuple[float, float] | None = None
    """Its 95 % interval (Wilson 1927), over conversations."""
    failed_conversations: list[str] = []
    shown: Shown = "unknown"
    unclosed_activations: float = 0
    finding_kinds: dict[str, int] = {}
    after_turns: dict[str, list[float]] = {}
    """By conversation, LLM calls made by the end of each turn."""

    @property
    def tokens(self) -> float:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens


class Comparison(msgspec.Struct, kw_only=True):
    """The same conversations under several constructs."""

    setting: Setting
    kind: Literal["controlled", "offline", "live", "mixed"]
    models: list[str]
    adk: list[str]
    """Releases of google-adk that the logs were written under."""
    conversations: list[str]
    constructs: list[ConstructMetrics]
    winners: list[Winner]
    runs: list[RunMetrics]

    def figures_of(self, construct: str) -> ConstructMetrics | None:
        """Finds a construct's figures."""
        return next((one for one in self.constructs if one.construct == construct), None)

    def runs_of(self, construct: str) -> list[RunMetrics]:
        """Finds a construct's runs."""
        return [run for run in self.runs if run.construct == construct]

    @property
    def baseline(self) -> ConstructMetrics | None:
        """The figures that the others are compared with."""
        return self.figures_of(self.setting.baseline)


def compare_runs(runs: Iterable[RunMetrics], setting: Setting) -> Comparison:
    """Lays measured runs side by side, in the order in which they are given."""
    measured = list(runs)
    conversations = _ordered(run.conversation for run in measured)
    return Comparison(
        setting=setting,
        kind=_kind(measured),
        models=_ordered(run.model for run in measured),
        adk=_ordered(run.adk for run in measured),
        conversations=conversations,
        constructs=[
            _figures(name, [run for run in measured if run.construct == name])
            for name in _ordered(run.construct for run in measured)
        ],
        winners=list(find_winners(measured)),
        runs=measured,
    )


def _kind(runs: Sequence[RunMetrics]) -> Literal["controlled", "offline", "live", "mixed"]:
    """Says who decided: plans and scripts alone, the offline model too, or language models."""
    live = [not (run.controlled or run.offline) for run in runs]
    if any(live):
        return "live" if all(live) else "mixed"
    return "offline" if any(run.offline for run in runs) else "controlled"


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _figures(construct: str, runs: Sequence[RunMetrics]) -> ConstructMetrics:
    by_conversation = [
        [run for run in runs if run.conversation == name]
        for name in _ordered(run.conversation for run in runs)
    ]

    def mean(of: Callable[[TurnMetrics], float]) -> float:
        return sum(fmean([of(run.total) for run in trials]) for trials in by_conversation)

    costs = [run.dollars for run in runs]
    known = [cost for cost in costs if cost is not None]
    dollars = None
    if len(known) == len(costs):
        dollars = sum(fmean([run.dollars or 0 for run in trials]) for trials in by_conversation)
    llm, path = (
        mean(lambda run: run.llm_microseconds / 1e6),
        mean(lambda run: run.critical_path_microseconds / 1e6),
    )
    figures = ConstructMetrics(
        construct=construct,
        llm_calls=mean(lambda run: run.llm_calls),
        reported_llm_calls=mean(lambda run: run.reported_llm_calls),
        input_tokens=mean(lambda run: run.input_tokens),
        output_tokens=mean(lambda run: run.output_tokens),
        reported_tokens=mean(lambda run: run.reported_input_tokens + run.reported_output_tokens),
        transfers=mean(lambda run: run.transfers),
        agent_calls=mean(lambda run: run.agent_calls),
        tool_calls=mean(lambda run: run.tool_calls),
        dollars=dollars,
        wall_seconds=mean(lambda run: run.wall_seconds),
        llm_seconds=llm,
        critical_path_seconds=path,
        parallelism=llm / path if path else None,
        runs=len(runs),
        passed_runs=sum(run.passed for run in runs),
        failed_conversations=_ordered(run.conversation for run in runs if not run.passed),
        shown=_widest([shown_to_specialists(run) for run in runs]),
        unclosed_activations=mean(
            lambda run: sum(agent.unclosed_activations for agent in run.agents.values())
        ),
        after_turns={
            trials[0].conversation: _after_turns([run.turns for run in trials])
            for trials in by_conversation
        },
    )
    for run in runs:
        for finding in run.findings:
            count = figures.finding_kinds.get(finding.kind, 0)
            figures.finding_kinds[finding.kind] = count + 1
    checked = [trials for trials in by_conversation if any(run.checked for run in trials)]
    if checked:
        k = min(len(trials) for trials in checked)
        shares = [estimate_pass_k(len(t), sum(run.passed for run in t), k) for t in checked]
        figures.pass_k = fmean(shares)
        figures.pass_interval = wilson_interval(figures.pass_k, len(shares))
    return figures


def _after_turns(trials: Sequence[Sequence[TurnMetrics]]) -> list[float]:
    """Adds LLM calls up turn by turn; the mean over the trials that came so far."""
    sums: list[list[int]] = []
    for turns in trials:
        total = 0
        for index, turn in enumerate(turns):
            total += turn.llm_calls
            if index == len(sums):
                sums.append([])
            sums[index].append(total)
    return [fmean(counts) for counts in sums]


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


def _widest(shown: Sequence[Shown]) -> Shown:
    for one in _WIDEST_FIRST:
        if one in shown:
            return one
    return "unknown"
