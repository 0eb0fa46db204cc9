"""Measured runs laid side by side: one conversation under every construct, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import comb, sqrt
from typing import Literal, NamedTuple

import msgspec

from adk_flow.conversation import Conversation
from adk_flow.findings import Finding, findings, of_leak
from adk_flow.isolation import Isolation, isolation
from adk_flow.log import Log
from adk_flow.measure import Meter, TurnFigures, summed
from adk_flow.moves import USER, Move
from adk_flow.pace import Pace
from adk_flow.prices import priced
from adk_flow.timing import Span

CONTROLLED_MODELS = frozenset({"offline", "scripted"})
"""Models that decide the same way under every construct."""

Shown = Literal["one agent", "request", "user", "others", "unknown"]
"""How much a construct shows its specialists: see `shown_to_specialists`."""
_WIDEST_FIRST: tuple[Shown, ...] = ("unknown", "others", "user", "request", "one agent")

Axis = Literal["follow-ups", "topics in one message"]


class MeasuredRun(msgspec.Struct, kw_only=True):
    """One conversation under one construct, measured."""

    construct: str
    conversation: str
    trial: int = 1
    log: str = ""
    """Where its flow log lies."""
    app: str = ""
    model: str = ""
    adk: str = ""
    controlled: bool = True
    """Whether every model call was the offline or a scripted model's."""
    turns: list[TurnFigures]
    total: TurnFigures
    dollars: float | None = None
    """Cost; None where a price is unknown."""
    team: list[str] = []
    """The specialists; empty where only the log is known."""
    specialists: list[list[str]] = []
    """By turn, who ought to do the work."""
    failed_checks: list[list[str]] = []
    """By turn, what the answer lacks of what the conversation asks for."""
    checked: bool = False
    """Whether the conversation asks for anything."""
    isolation: Isolation
    findings: list[Finding] = []
    damaged_lines: int = 0
    moves: list[Move] = []
    spans: list[list[Span]] = []
    """Model and tool calls by turn."""
    critical: list[list[int]] = []
    """By turn, which of the spans are on the critical path, in order."""

    @property
    def passed(self) -> bool:
        """Whether no turn failed and every answer held what was asked for."""
        return not self.total.failed and not any(self.failed_checks)


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
    stopped: str = ""
    """Why not all runs were made; empty where they were."""


class ConstructFigures(msgspec.Struct, kw_only=True):
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
    unclosed_frames: float = 0
    finding_kinds: dict[str, int] = {}
    after_turns: dict[str, list[float]] = {}
    """By conversation, LLM calls made by the end of each turn."""


class Winner(msgspec.Struct, frozen=True):
    """Who takes least at a point of an axis."""

    axis: Axis
    point: int
    figure: str
    """`LLM calls`, `tokens` or `critical path`."""
    constructs: list[str]
    """Those that take least, of those whose checks passed."""
    values: dict[str, float]
    """What each construct takes, without those that failed a conversation of this point."""


class Comparison(msgspec.Struct, kw_only=True):
    """The same conversations under several constructs."""

    setting: Setting
    kind: Literal["controlled", "live", "mixed"]
    models: list[str]
    adk: list[str]
    """Releases of google-adk that the logs were written under."""
    conversations: list[str]
    constructs: list[ConstructFigures]
    winners: list[Winner]
    runs: list[MeasuredRun]

    def figures_of(self, construct: str) -> ConstructFigures | None:
        """Finds a construct's figures."""
        return next((one for one in self.constructs if one.construct == construct), None)

    @property
    def baseline(self) -> ConstructFigures | None:
        """The figures that the others are compared with."""
        return self.figures_of(self.setting.baseline)


def measure_run(
    log: Log,
    *,
    construct: str,
    conversation: str,
    asked: Conversation | None = None,
    failed_checks: list[list[str]] | None = None,
    team: Sequence[str] = (),
    trial: int = 1,
    pace: Pace | None = None,
    price_model: str = "",
) -> MeasuredRun:
    """Measures a log of one conversation, as if a model of that pace and price had answered.

    `asked` is what the conversation asks for, if it is known.
    """
    meter = Meter(pace)
    moves = [move for record in log.records for move in meter.read(record)]
    turns = list(meter.turns.values())
    spans = [meter.timings[turn.turn].spans for turn in turns]
    models = {span.name for turn in spans for span in turn if span.kind == "model"}
    planted = asked.planted if asked else {}
    shown = isolation(log, planted)
    return MeasuredRun(
        construct=construct,
        conversation=conversation,
        trial=trial,
        log=log.path,
        app=log.header.app,
        model=", ".join(sorted(models)) or log.header.model,
        adk=log.header.adk,
        controlled=models <= CONTROLLED_MODELS,
        turns=turns,
        total=summed(turns),
        dollars=priced([span for turn in spans for span in turn], price_model),
        team=list(team),
        specialists=[turn.specialists for turn in asked.turns] if asked else [],
        failed_checks=failed_checks or [],
        checked=failed_checks is not None,
        isolation=shown,
        findings=[*findings(log), *_leaks(shown, spans)],
        damaged_lines=len(log.damage),
        moves=moves,
        spans=spans,
        critical=[meter.timings[turn.turn].critical_spans for turn in turns],
    )


def _leaks(shown: Isolation, spans: list[list[Span]]) -> Iterable[Finding]:
    """Tells leaks as findings."""
    turns = {span.record: turn for turn, found in enumerate(spans, start=1) for span in found}
    for leak in shown.leaks:
        what = f"canary {leak.source}" if leak.kind == "canary" else f"{leak.kind} of {leak.source}"
        yield of_leak(leak.agent, what, leak.record, turns.get(leak.record, 0))


def compare(runs: Iterable[MeasuredRun], setting: Setting) -> Comparison:
    """Lays measured runs side by side, in the order in which they are given."""
    measured = list(runs)
    kinds = {run.controlled for run in measured}
    conversations = _ordered(run.conversation for run in measured)
    return Comparison(
        setting=setting,
        kind="mixed" if len(kinds) > 1 else "controlled" if kinds != {False} else "live",
        models=_ordered(run.model for run in measured),
        adk=_ordered(run.adk for run in measured),
        conversations=conversations,
        constructs=[
            _figures(name, [run for run in measured if run.construct == name])
            for name in _ordered(run.construct for run in measured)
        ],
        winners=list(_winners(measured)),
        runs=measured,
    )


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _figures(construct: str, runs: Sequence[MeasuredRun]) -> ConstructFigures:
    by_conversation = [
        [run for run in runs if run.conversation == name]
        for name in _ordered(run.conversation for run in runs)
    ]

    def mean(of: Callable[[TurnFigures], float]) -> float:
        return sum(_mean([of(run.total) for run in trials]) for trials in by_conversation)

    costs = [run.dollars for run in runs]
    known = [cost for cost in costs if cost is not None]
    dollars = None
    if len(known) == len(costs):
        dollars = sum(_mean([run.dollars or 0 for run in trials]) for trials in by_conversation)
    llm, path = (
        mean(lambda run: run.llm_microseconds / 1e6),
        mean(lambda run: run.critical_path_microseconds / 1e6),
    )
    figures = ConstructFigures(
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
        unclosed_frames=mean(
            lambda run: sum(agent.unclosed_frames for agent in run.agents.values())
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
        shares = [pass_k(len(t), sum(run.passed for run in t), k) for t in checked]
        figures.pass_k = _mean(shares)
        figures.pass_interval = wilson(figures.pass_k, len(shares))
    return figures


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _after_turns(trials: Sequence[Sequence[TurnFigures]]) -> list[float]:
    """Adds LLM calls up turn by turn; the mean over the trials that came so far."""
    sums: list[list[int]] = []
    for turns in trials:
        total = 0
        for index, turn in enumerate(turns):
            total += turn.llm_calls
            if index == len(sums):
                sums.append([])
            sums[index].append(total)
    return [_mean(counts) for counts in sums]


def pass_k(trials: int, passed: int, k: int) -> float:
    """Estimates the chance that k trials all pass, without bias (Yao et al. 2024, tau-bench)."""
    return comb(passed, k) / comb(trials, k)


def wilson(share: float, number: int) -> tuple[float, float]:
    """Gives the 95 % score interval of a share (Wilson 1927)."""
    z = 1.959964
    middle = share + z * z / (2 * number)
    spread = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    scale = 1 + z * z / number
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def shown_to_specialists(run: MeasuredRun) -> Shown:
    """Tells how much the specialists were shown, beside what they said and called themselves.

    `request`: what they were called with and nothing else; `user`: the user's own words too;
    `others`: words of other agents too; `one agent`: there were none. Where the team is not known,
    all are taken for specialists but the agent whose model was asked first.
    """
    if not run.isolation.known:
        return "unknown"
    others = run.isolation.agents[1:]
    specialists = {name for name in run.isolation.agents if name in run.team} or set(
        [] if run.team else others
    )
    if not specialists:
        return "one agent"
    sources = {
        sight.source
        for sight in run.isolation.sights
        if sight.agent in specialists and sight.kind in ("words", "tool")
    }
    if not sources:
        return "request"
    return "user" if sources == {USER} else "others"


def _widest(shown: Sequence[Shown]) -> Shown:
    for one in _WIDEST_FIRST:
        if one in shown:
            return one
    return "unknown"


class _Point(NamedTuple):
    """Figures of a run at a point of an axis."""

    axis: Axis
    point: int
    construct: str
    conversation: str
    figures: dict[str, float]


def _winners(runs: Iterable[MeasuredRun]) -> Iterable[Winner]:
    """Finds who takes least as follow-ups, or topics in one message, become more."""
    places: dict[tuple[Axis, int], list[_Point]] = {}
    for run in runs:
        for point in _points(run):
            places.setdefault((point.axis, point.point), []).append(point)
    for (axis, number), here in sorted(places.items(), key=lambda place: place[0]):
        for figure in here[0].figures:
            values = _values(here, figure)
            if not values:
                continue
            least = min(values.values())
            winners = [name for name, value in values.items() if value <= least * 1.000001]
            yield Winner(axis, number, figure, winners, values)


def _values(here: Sequence[_Point], figure: str) -> dict[str, float]:
    """Gives what each construct takes, of those that came here in every conversation."""
    conversations = _ordered(one.conversation for one in here)
    values: dict[str, float] = {}
    for name in _ordered(one.construct for one in here):
        taken = [
            [o.figures[figure] for o in here if (o.construct, o.conversation) == (name, held)]
            for held in conversations
        ]
        if all(taken):
            values[name] = _mean([_mean(trials) for trials in taken])
    return values


def _points(run: MeasuredRun) -> Iterable[_Point]:
    """Gives a run's points: its first message by topics, and follow-ups to the same specialist."""
    if not run.passed or not run.specialists or len(run.turns) != len(run.specialists):
        return
    first = run.specialists[0]
    if len(run.turns) == 1 and first:
        yield _point("topics in one message", len(first), run, 1)
    if len(first) == 1 and all(one == two for one, two in pairwise(run.specialists)):
        for number in range(len(run.turns)):
            yield _point("follow-ups", number, run, number + 1)


def _point(axis: Axis, number: int, run: MeasuredRun, turns: int) -> _Point:
    total = summed(run.turns[:turns])
    figures = {
        "LLM calls": total.llm_calls,
        "tokens": total.input_tokens + total.output_tokens,
        "critical path": total.critical_path_microseconds / 1e6,
    }
    return _Point(axis, number, run.construct, run.conversation, figures)
