"""A flow printed live: each move when its record is written."""

from __future__ import annotations

from functools import lru_cache
from typing import TextIO

from adk_flow._text import plain
from adk_flow.analysis.trace_reader import SESSIONS
from adk_flow.log.schema import Header, Record
from adk_flow.render.flow_text import FlowPrinter, FlowView
from adk_flow.render.terminal import plain_console


class Narrator:
    """A listener for `FlowPlugin` that prints moves on a stream, of any number of sessions."""

    def __init__(self, stream: TextIO, view: FlowView = "both") -> None:
        self.console = plain_console(stream)
        self._printer = lru_cache(SESSIONS)(lambda _: FlowPrinter(self.console, view))
        self._latest = ""

    def __call__(self, header: Header, record: Record) -> None:
        """Prints the moves that a record shows, and the metrics of a turn at its end."""
        session, printer = header.session, self._printer(header.session)
        is_other = session != self._latest and self._printer.cache_info().currsize > 1
        if printer.read(header, record, f"Session {plain(session)}" if is_other else ""):
            self._latest = session
