"""The pieces of a session's page: its head, and a section for each turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from adk_flow._text import format_seconds
from adk_flow.analysis.critical_path import Schedule, schedule_turn
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.analysis.trace import Message, Trace, Turn
from adk_flow.render.flow_text import count_turn, describe_finding, list_findings
from adk_flow.render.svg import Drawing
from adk_flow.render.templates import environment
from adk_flow.render.turn_svg import draw_turn
from adk_flow.render.waterfall_svg import LABEL, PLOT, draw_waterfall, length_of


class Timeline(NamedTuple):
    """The calls of a turn over time."""

    pace: str
    """`measured`, or `projected` to a real model's."""
    caption: str
    drawing: Drawing
    left: int
    scale: float
    """Where a microsecond after the turn's start stands: `left` and so many pixels."""


class TurnPiece(NamedTuple):
    """What the page shows of a turn."""

    turn: Turn
    asked: int
    """The record of the user's words."""
    messages: Sequence[Message]
    figures: str
    working: str
    """Who is at work, of a turn under way."""
    findings: Sequence[Finding]
    sequence: Drawing | None
    timelines: Sequence[Timeline]
    steps: str
    """Each record with when it came: index, microseconds from the turn's start as measured, and
    as projected."""


class ListedSession(NamedTuple):
    """What the list of sessions shows of one."""

    session: str
    link: str
    app: str
    began: int
    """When its latest turn did."""
    question: str
    """Its first."""
    turns: int
    findings: int
    is_serious: bool
    is_live: bool
    words: str
    """By which it is found, in lower case."""


class SessionPieces:
    """Draws a session piece by piece; a turn that has not changed is not drawn again."""

    def __init__(self) -> None:
        self._turns: dict[str, tuple[object, str]] = {}

    def draw(self, trace: Trace, findings: Sequence[Finding], session: str = "") -> dict[str, str]:
        """Gives the elements of the page by their ids, in order."""
        of_turn = defaultdict(list)
        for finding in findings:
            of_turn[finding.turn].append(finding)
        models = {call.model for turn in trace.turns for call in turn.asked_models}
        pace = "projected" if models <= KEYLESS_MODELS else "measured"
        pieces = {"head": _template("head", trace, session, pace, clock(trace.log.header.time))}
        for turn in trace.turns:
            name, own = f"turn-{turn.number}", of_turn[turn.number]
            records = 0 if turn.complete else len(trace.log.records)
            state = (turn.record, turn.ended, turn.end, len(turn.moves), own, records)
            if self._turns.get(name, (None, ""))[0] != state:
                self._turns[name] = (
                    state,
                    _template("turn", _piece(trace, turn, own), describe_finding),
                )
            pieces[name] = self._turns[name][1]
        return pieces


def draw_row(trace: Trace, session: str, base: str, is_live: bool) -> str:
    """Draws a session's line in the list; it is found by its app, agents and findings."""
    findings = list_findings(trace)
    agents = {activation.agent for turn in trace.turns for activation in turn.activations}
    header = trace.log.header
    texts = map(describe_finding, findings)
    kinds = {finding.kind.replace("_", " ") for finding in findings}
    row = ListedSession(
        session=session,
        link=f"{base}s/{session}",
        app=header.app,
        began=max((turn.began for turn in trace.turns), default=header.time),
        question=trace.turns[0].question if trace.turns else "",
        turns=len(trace.turns),
        findings=len(findings),
        is_serious=any(finding.level == "serious" for finding in findings),
        is_live=is_live,
        words=" ".join([header.app, header.construct, *agents, *kinds, *texts]).lower(),
    )
    return _template("row", row, clock(row.began))


def _template(name: str, *values: object) -> str:
    return str(getattr(environment().get_template("page_pieces.html.j2").module, name)(*values))


def clock(microseconds: int) -> str:
    """Writes a time of a log as the clock of this place showed it."""
    try:
        return f"{datetime.fromtimestamp(microseconds / 1e6):%d %b, %H:%M}"
    except (ValueError, OverflowError, OSError):  # a damaged log may say any
        return "at an unknown time"


def _piece(trace: Trace, turn: Turn, findings: Sequence[Finding]) -> TurnPiece:
    measured, projected = schedule_turn(turn), schedule_turn(turn, PROFILES[DEFAULT_PROFILE])
    records = trace.records_of(turn)
    asked = (move.record for move in turn.moves if move.kind == "say")
    return TurnPiece(
        turn=turn,
        asked=next(asked, turn.record),
        messages=turn.messages,
        figures=count_turn(measure_turn(turn, measured)),
        working="" if turn.complete else " → ".join(_working(turn)),
        findings=findings,
        sequence=draw_turn(turn, measured.spans) if turn.moves else None,
        timelines=list(_timelines(turn, measured, projected)),
        steps=_steps(trace, turn, records, projected),
    )


def _working(turn: Turn) -> Iterator[str]:
    """Names the agents that have begun and not ended, the innermost last."""
    return (activation.agent for activation in turn.activations if activation.ended < 0)


def _timelines(turn: Turn, measured: Schedule, projected: Schedule) -> Iterator[Timeline]:
    if not measured.spans:
        return
    for span in measured.spans:
        if not span.answered:  # still under way, or cut
            span.took = max(0, turn.ended - span.began)
    for pace, schedule, start in (
        ("measured", measured, turn.began),
        ("projected", projected, None),
    ):
        least = turn.ended - turn.began if start is not None else 0
        whole = max(length_of(schedule.spans, start), least, 1)
        about = f"Calls of turn {turn.number} over time, {pace}"
        drawing = draw_waterfall(
            schedule.spans, schedule.critical_spans, began=start, whole=whole, about=about
        )
        caption = f"critical path {format_seconds(schedule.critical_path / 1e6)}"
        yield Timeline(pace, caption, drawing, LABEL, PLOT / whole)


def _steps(trace: Trace, turn: Turn, records: Sequence[int], projected: Schedule) -> str:
    calls = [*turn.model_calls, *turn.tool_calls]
    ends = {call.record: call.ended for call in calls if call.ended >= 0}
    at: dict[int, int] = {}
    for span in projected.spans:
        at[span.record] = span.start
        if span.record in ends:
            at[ends[span.record]] = span.start + span.took
    steps, latest = [], 0
    for index in records:
        latest = max(latest, at.get(index, 0))
        steps.append(f"{index}:{trace.log.records[index].time - turn.began}:{latest}")
    return " ".join(steps)
