"""A turn's sequence as the page draws it, and as a picture that stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adk_flow.analysis.critical_path import Span, schedule_turn
from adk_flow.analysis.moves import USER
from adk_flow.analysis.trace import Turn
from adk_flow.render.sequence import draw_sequence
from adk_flow.render.sequence_steps import lanes_of
from adk_flow.render.svg import Drawing
from adk_flow.render.templates import environment, inline


def draw_turn(turn: Turn, spans: Sequence[Span]) -> Drawing:
    """Draws a turn as far as it has come, the user first."""
    lanes = [USER, *(name for name in lanes_of(turn.moves, spans) if name != USER)]
    return draw_sequence(turn.moves, spans, lanes, f"Sequence of turn {turn.number}")


def turn_to_svg(turn: Turn) -> str:
    """Writes a turn as SVG with its own style, for a page of somebody else's."""
    drawing = draw_turn(turn, schedule_turn(turn).spans)
    template: Any = environment().get_template("drawing.html.j2").module
    return str(template.alone(drawing, inline("shared.css").text)).strip()
