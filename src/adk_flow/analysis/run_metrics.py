"""One conversation under one construct, measured: figures, isolation, findings, cost, checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

import msgspec

from adk_flow._data import parse_json
from adk_flow.analysis.critical_path import Schedule, Span, ToolTime, schedule_turn
from adk_flow.analysis.findings import Finding, detect_findings, detect_leaks
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import TurnMetrics, measure_turn, summed
from adk_flow.analysis.move import USER, Move
from adk_flow.analysis.pricing import priced
from adk_flow.analysis.trace import CONTROLLED_MODELS, KEYLESS_MODELS, ToolCall, Trace, Turn
from adk_flow.analysis.visibility import Visibility, trace_visibility
from adk_flow.scenario.conversation import ALONE, Conversation
from adk_flow.scenario.plan import Task

AS_IS = "as_is"
"""The app as its owner wired it, in the place of a construct."""

ONE_BY_ONE = "one_by_one"
"""The app as its owner wired it, but what it would do at once is done one after the other."""

Shown = Literal["one agent", "not asked", "request", "user", "others", "unknown"]
"""How much a construct shows its specialists: see `shown_to_specialists`."""


class RunMetrics(msgspec.Struct, kw_only=True, rename={"visibility": "isolation"}):
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
    """Whether every model call was decided by a plan or a script."""
    offline: bool = False
    """Whether the offline model decided some calls, and plans or scripts the others, if any."""
    turns: list[TurnMetrics]
    total: TurnMetrics
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
    visibility: Visibility
    added_lines: list[str] = []
    """What a callback or plugin added to a model's words and the user reads."""
    agrees: bool | None = None
    """Whether it answers as the baseline does; None for the baseline, and where it is unknown."""
    findings: list[Finding] = []
    is_cut: bool = False
    """Whether the log stops in the middle of a turn."""
    damaged_lines: int = 0
    missing_lines: int = 0
    moves: list[Move] = []
    spans: list[list[Span]] = []
    """Model and tool calls by turn."""
    critical: list[list[int]] = []
    """By turn, which of the spans are on the critical path, in order."""
    pace: str = ""
    """Profile by which times are projected; empty where they are as they were."""

    @property
    def schedules(self) -> list[Schedule]:
        """The schedule of each turn."""
        return [
            Schedule(spans, critical[-1] if critical else -1, turn.critical_path_microseconds)
            for spans, critical, turn in zip(self.spans, self.critical, self.turns, strict=True)
        ]

    @property
    def passed(self) -> bool:
        """Whether every turn came to its end and every answer has what was asked for."""
        whole = bool(self.turns) and not self.is_cut and not self.total.failed
        return whole and not any(self.failed_checks)

    @property
    def is_whole(self) -> bool:
        """Whether the log holds every turn to its end, and no line of it is damaged or missing."""
        return bool(self.turns) and not (self.is_cut or self.damaged_lines or self.missing_lines)


def measure_run(
    trace: Trace,
    *,
    construct: str,
    conversation: str,
    asked: Conversation | None = None,
    failed_checks: list[list[str]] | None = None,
    team: Sequence[str] = (),
    trial: int = 1,
    pace: LatencyProfile | None = None,
    price_model: str = "",
) -> RunMetrics:
    """Measures one conversation, as if a model of that pace and price had answered.

    `asked` is what the conversation asks for, if it is known.
    """
    log = trace.log
    plans = dict(enumerate((turn.plan or [] for turn in asked.turns) if asked else (), start=1))
    schedules = [
        project_turn(turn, pace, construct, plans.get(turn.number, ())) for turn in trace.turns
    ]
    turns = [measure_turn(*pair) for pair in zip(trace.turns, schedules, strict=True)]
    spans = [schedule.spans for schedule in schedules]
    models = {call.model for turn in trace.turns for call in turn.asked_models} - {""}
    planted = asked.planted if asked else {}
    names = [canary.text for canary in planted.values() if not any(map(str.isdigit, canary.text))]
    shown, total = trace_visibility(trace, planted), summed(turns, lacks_lines=bool(log.holes))
    return RunMetrics(
        construct=construct,
        conversation=conversation,
        trial=trial,
        log=log.path,
        app=log.header.app,
        model=", ".join(sorted(models)) or log.header.model,
        adk=log.header.adk,
        controlled=models <= CONTROLLED_MODELS,
        offline="offline" in models and models <= KEYLESS_MODELS,
        turns=turns,
        total=total,
        dollars=None
        if total.llm_calls is None
        else priced([span for turn in spans for span in turn], price_model),
        team=list(team),
        specialists=[turn.specialists for turn in asked.turns] if asked else [],
        failed_checks=failed_checks or [],
        checked=failed_checks is not None and asked is not None and asked.is_checked,
        visibility=shown,
        added_lines=list(dict.fromkeys(chain.from_iterable(map(_added_lines, trace.turns)))),
        findings=[*detect_findings(trace, names), *detect_leaks(trace, shown)],
        is_cut=not total.complete and log.header.tells_end,
        damaged_lines=len(log.damage),
        missing_lines=log.missing,
        moves=trace.moves,
        spans=spans,
        critical=[schedule.critical_spans for schedule in schedules],
        pace=pace.name if pace else "",
    )


def project_turn(
    turn: Turn, pace: LatencyProfile | None, construct: str = "", plan: Sequence[Task] = ()
) -> Schedule:
    """Schedules a turn under a construct, at a pace if one is given, else as it was."""
    # What adk-flow itself has put between agents is of this machine, as what ADK does there.
    idle = construct if pace and construct not in (AS_IS, ONE_BY_ONE) else ""
    time, serial = _tool_time(turn, plan) if pace else None, construct == ONE_BY_ONE
    return schedule_turn(turn, pace, tool_time=time, serial=serial, idle=idle)


def _tool_time(turn: Turn, plan: Sequence[Task]) -> ToolTime | None:
    """Gives the time of tools that a plan states, by default none, however long they ran."""
    if {call.model for call in turn.asked_models} != {"planned"}:
        return None
    planned = [call for task in plan for call in task.tools]

    def take(call: ToolCall) -> int:
        alike = [other for other in planned if other.name == call.name]
        fitting = [other for other in alike if parse_json(call.text) == other.args] or alike
        return round(1e6 * fitting[0].seconds) if fitting else 0

    return take


def _added_lines(turn: Turn) -> Iterator[str]:
    """Gives what a callback or plugin added: lines that the user reads of no model's answer."""
    said: dict[int, set[str]] = {}
    for call in turn.asked_models:
        lines = said.setdefault(call.activation, set())
        for response in call.responses:
            lines.update(response.text.splitlines())
    for message in turn.messages:
        if message.activation in said:
            lines = said[message.activation]
            yield from (line for line in message.text.splitlines() if line and line not in lines)


def shown_to_specialists(run: RunMetrics) -> Shown:
    """Tells how much the specialists were shown, besides what they said and called themselves.

    `request`: what they were called with and nothing else; `user`: the user's own words too;
    `others`: words of other agents too; `one agent`: there are none; `not asked`: nobody asked
    them anything. Where the team is not known, all are taken for specialists but the agent whose
    model was asked first; that one, too, if it is the only one and stands in a graph.
    """
    if not run.visibility.known:
        return "unknown"
    nodes = {move.target for move in run.moves if move.kind == "call" and move.cause == "node"}
    others = run.visibility.agents[1:] or [*nodes.intersection(run.visibility.agents)]
    specialists = {name for name in run.visibility.agents if name in run.team} or set(
        [] if run.team else others
    )
    if not specialists:
        is_alone = run.construct in ALONE or not (run.team or run.construct in (AS_IS, ONE_BY_ONE))
        return "one agent" if is_alone else "not asked"
    sources = {
        sight.source
        for sight in run.visibility.sights
        if sight.agent in specialists and sight.kind in ("words", "tool")
    }
    if not sources:
        return "request"
    return "user" if sources == {USER} else "others"
