"""The live telling of a flow: each move printed when its record is written."""

from __future__ import annotations

from collections import OrderedDict
from typing import TextIO

from rich.text import Text

from adk_flow._text import plain
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import TraceReader
from adk_flow.log.schema import Header, Record
from adk_flow.render.flow_text import MovePrinter, View, print_turn_metrics
from adk_flow.render.terminal import plain_console

_MOST_SESSIONS = 256
"""Sessions whose turns are numbered on; an older one begins again at 1."""


class Narrator:
    """A listener for `FlowPlugin` that tells moves on a stream, whatever number of sessions."""

    def __init__(self, stream: TextIO, view: View = "both") -> None:
        self.console = plain_console(stream)
        self.view: View = view
        self._sessions: OrderedDict[str, tuple[TraceReader, MovePrinter]] = OrderedDict()
        self._latest = ""

    def __call__(self, header: Header, record: Record) -> None:
        """Tells the moves that a record shows, and the figures of a turn at its end."""
        reader, printer = self._session(header.session)
        for move in reader.read(record):
            if header.session != self._latest and len(self._sessions) > 1:
                self.console.print(Text(f"\nSession {plain(header.session)}", style="bold"))
            self._latest = header.session
            printer.print(move)
            if move.kind == "end":
                print_turn_metrics(measure_turn(reader.turns[move.turn]), self.console)
                for _ in reader.release():
                    pass

    def _session(self, session: str) -> tuple[TraceReader, MovePrinter]:
        known = self._sessions.get(session)
        if known is None:
            known = TraceReader(), MovePrinter(self.console, self.view)
            self._sessions[session] = known
        self._sessions.move_to_end(session)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return known
