"""Moves put on ADK's own OpenTelemetry spans while an app runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span

from adk_flow.analysis.move import Move
from adk_flow.analysis.trace_reader import SESSIONS, TraceReader
from adk_flow.export.attributes import Attributes, fitting, of_link, of_move, words_wanted
from adk_flow.export.spans import stage_of
from adk_flow.log.schema import Header, Record
from adk_flow.record.plugin import FlowPlugin

import_module("adk_flow.models")  # makes the model name "offline" known, as `FlowPlugin`'s does


@dataclass(slots=True)
class _Session:
    """A session as read so far, and ADK's spans of the turn that is under way."""

    reader: TraceReader = field(default_factory=TraceReader)
    turn: Span = trace.INVALID_SPAN
    agents: dict[int, Span] = field(default_factory=dict)
    """By frame."""


class MovesOnSpans:
    """A listener for `FlowPlugin`: each move is an event of the ADK span that it belongs to.

    The span of an agent that takes over is linked to that of the agent that handed over to it.
    Without a tracer provider there are no spans, and it does nothing.
    """

    def __init__(self) -> None:
        self.words = words_wanted()
        """Whether events carry what was said."""
        self._session = lru_cache(SESSIONS)(lambda _: _Session())

    def __call__(self, header: Header, record: Record) -> None:
        """Puts the moves that a record shows on spans; a hook runs inside ADK's own span."""
        session, current = self._session(header), trace.get_current_span()
        moves = session.reader.read(record)
        nested = session.reader.is_nested(record)
        if record.hook == "user_message" and not nested:
            session.turn = current
            session.agents.clear()
        elif record.hook == "before_agent" and record.activation not in session.agents:
            session.agents[record.activation] = current
            self._describe(session, record, current)
        for move in moves:
            span = self._span(session, move, current)
            attributes = of_move(move, self.words)
            span.add_event(f"adk_flow.{move.kind}", attributes, timestamp=move.time * 1000)
        if record.hook in ("after_run", "run_error") and not nested:
            session.turn = trace.INVALID_SPAN
            session.agents.clear()
            for _ in session.reader.release():
                pass

    def _describe(self, session: _Session, record: Record, span: Span) -> None:
        """Marks an agent's span with its frame, and links it to whom it took over from."""
        about: Attributes = {"adk_flow.frame": record.activation, "adk_flow.why": record.cause}
        span.set_attributes(fitting(about))
        source = session.agents.get(record.parent) if record.cause == "transfer" else None
        if source is not None and source.get_span_context().is_valid:
            link = of_link(session.reader.activations[record.parent].agent, record.agent)
            span.add_link(source.get_span_context(), link)

    def _span(self, session: _Session, move: Move, current: Span) -> Span:
        """Finds the span that a move is told on: its own if that is still open."""
        stage = stage_of(move, session.reader.activations)
        own = session.agents.get(stage, session.turn)
        return own if own.is_recording() else current


class SpanPlugin(FlowPlugin):
    """A `FlowPlugin` that also puts moves on ADK's own spans, for `adk web --extra_plugins`."""

    def __init__(self, name: str = "adk_flow", **options: Any) -> None:
        """Takes the options of `FlowPlugin` but its listener."""
        super().__init__(name, listener=MovesOnSpans(), **options)
