"""The pieces of a session's page: its head, and a section for each turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import TypeVar

from adk_flow._data import group_by
from adk_flow._text import format_seconds
from adk_flow.analysis.critical_path import Schedule, schedule_turn
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, project_turn
from adk_flow.analysis.trace import Trace, Turn
from adk_flow.render.flow_text import count_turn, describe_finding, list_findings
from adk_flow.render.sequence import draw_turn
from adk_flow.render.svg import Drawing
from adk_flow.render.templates import environment, inline
from adk_flow.render.waterfall_svg import LABEL, PLOT, draw_waterfall, length_of

_Drawn = TypeVar("_Drawn")


def redraw(
    kept: dict[str, tuple[object, _Drawn]], key: str, state: object, draw: Callable[[], _Drawn]
) -> _Drawn:
    """Gives what is kept as drawn in this state; draws what is not, and keeps it."""
    if key not in kept or kept[key][0] != state:
        kept[key] = state, draw()
    return kept[key][1]


class SessionPieces:
    """Draws a session piece by piece; a turn that has not changed is not drawn again."""

    def __init__(self, projected: Sequence[Schedule] = ()) -> None:
        """Takes the projected schedules of its turns, if they are known."""
        self._turns: dict[str, tuple[object, str]] = {}
        self._projected = projected

    def draw(self, trace: Trace, findings: Sequence[Finding], session: str = "") -> dict[str, str]:
        """Gives the elements of the page by their ids, in order."""
        of_turn = group_by(findings, lambda finding: finding.turn)
        models = {call.model for turn in trace.turns for call in turn.asked_models}
        pace = "projected" if models <= KEYLESS_MODELS else "measured"
        when = clock(trace.log.header.time)
        pieces = {"head": _piece("head", trace=trace, session=session, pace=pace, when=when)}
        for turn in trace.turns:
            name, own = f"turn-{turn.number}", of_turn.get(turn.number, [])
            records = 0 if turn.complete else len(trace.log.records)
            place = (turn.record, turn.ended, turn.end, turn.lacks_lines)
            state = (*place, len(turn.moves), own, records)
            pieces[name] = redraw(self._turns, name, state, partial(self._draw, trace, turn, own))
        return pieces

    def _draw(self, trace: Trace, turn: Turn, findings: Sequence[Finding]) -> str:
        if self._projected:
            return _draw_turn(trace, turn, findings, self._projected[turn.number - 1])
        projected = project_turn(turn, PROFILES[DEFAULT_PROFILE], trace.log.header.construct)
        return _draw_turn(trace, turn, findings, projected)


def draw_row(trace: Trace, session: str, base: str, is_live: bool) -> str:
    """Draws a session's line in the list; it is found by its app, agents and findings."""
    findings, header = list_findings(trace), trace.log.header
    began = max((turn.began for turn in trace.turns), default=header.time)
    agents = dict.fromkeys(each.agent for turn in trace.turns for each in turn.activations)
    kinds = dict.fromkeys(finding.kind.replace("_", " ") for finding in findings)
    words = [header.app, header.construct, *agents, *kinds, *map(describe_finding, findings)]
    place = {"session": session, "link": f"{base}s/{session}", "is_live": is_live}
    when = {"began": began, "when": clock(began), "words": " ".join(words).lower()}
    return _piece("row", trace=trace, findings=findings, **place, **when)


def turn_to_svg(turn: Turn) -> str:
    """Writes the sequence of a turn as SVG with its own style, for a page of somebody else's."""
    drawing = draw_turn(turn, schedule_turn(turn).spans)
    return _macro("drawing", "alone", drawing=drawing, style=inline("shared.css").text).strip()


def _macro(template: str, name: str, **values: object) -> str:
    module = environment().get_template(f"{template}.html.j2").module
    return str(getattr(module, name)(**values))


_piece = partial(_macro, "page_pieces")


def clock(microseconds: int) -> str:
    """Writes a time of a log as the clock of this place showed it."""
    try:
        return f"{datetime.fromtimestamp(microseconds / 1e6):%d %b, %H:%M}"
    except (ValueError, OverflowError, OSError):  # a damaged log may say any
        return "at an unknown time"


def _draw_turn(trace: Trace, turn: Turn, findings: Sequence[Finding], projected: Schedule) -> str:
    measured = project_turn(turn, None, trace.log.header.construct)
    asked = (move.record for move in turn.moves if move.kind == "say")
    working = (each.agent for each in turn.activations if each.ended < 0)  # the innermost last
    return _piece(
        "turn",
        turn=turn,
        asked=next(asked, turn.record),
        figures=count_turn(measure_turn(turn, measured)),
        working="" if turn.complete else " → ".join(working),
        findings=findings,
        describe=describe_finding,
        sequence=draw_turn(turn, measured.spans) if turn.moves else None,
        timelines=_timelines(turn, measured, projected),
        left=LABEL,
        steps=_steps(trace, turn, projected),
    )


def _timelines(
    turn: Turn, measured: Schedule, projected: Schedule
) -> Iterator[tuple[str, str, Drawing, float]]:
    """Gives the calls of a turn over time, measured and projected to a real model's pace.

    The pace, a caption, the drawing and its scale: pixels to a microsecond.
    """
    for span in measured.spans:
        if not span.answered:  # still under way, or cut
            span.took = max(0, turn.ended - span.began)
    paces = {"measured": (measured, turn.began), "projected": (projected, None)}
    for pace, (schedule, start) in paces.items() if measured.spans else ():
        least = 1 if start is None else turn.ended - start
        whole = max(length_of(schedule.spans, start), least, 1)
        about = f"Calls of turn {turn.number} over time, {pace}"
        spans = schedule.spans, schedule.critical_spans
        drawing = draw_waterfall(*spans, began=start, whole=whole, about=about)
        caption = f"critical path {format_seconds(schedule.critical_path / 1e6)}"
        yield pace, caption, drawing, PLOT / whole


def _steps(trace: Trace, turn: Turn, projected: Schedule) -> str:
    """Gives each record and when it came: its index, microseconds measured, and projected."""
    calls = [*turn.model_calls, *turn.tool_calls]
    ends = {call.record: call.ended for call in calls if call.ended >= 0}
    at = {span.record: span.start for span in projected.spans}
    at |= {ends[s.record]: s.start + s.took for s in projected.spans if s.record in ends}
    indices, records = trace.records_of(turn), trace.log.records
    latest = accumulate((at.get(index, 0) for index in indices), max)
    steps = zip(indices, latest, strict=True)
    return " ".join(f"{index}:{records[index].time - turn.began}:{then}" for index, then in steps)
