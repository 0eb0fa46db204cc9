"""A flow printed live: each move when its record is written."""

from __future__ import annotations

from functools import lru_cache
from typing import TextIO

from msgspec.structs import replace
from rich.console import Console

from adk_flow._text import plain
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import SESSIONS, TraceReader
from adk_flow.log.schema import Header, Record
from adk_flow.render.flow_text import FlowView, MovePrinter, count_turn, print_turn_metrics
from adk_flow.render.terminal import plain_console, print_remark, print_title


class Narrator:
    """A listener for `FlowPlugin` that prints moves on a stream, of any number of sessions."""

    def __init__(self, stream: TextIO, view: FlowView = "both") -> None:
        self.console = plain_console(stream)
        self._printer = lru_cache(SESSIONS)(lambda _: _SessionPrinter(self.console, view))
        self._latest = ""

    def __call__(self, header: Header, record: Record) -> None:
        """Prints the moves that a record shows, and the metrics of a turn at its end."""
        session, printer = header.session, self._printer(header.session)
        is_other = session != self._latest and self._printer.cache_info().currsize > 1
        if printer.read(header, record, f"Session {plain(session)}" if is_other else ""):
            self._latest = session


class _SessionPrinter:
    def __init__(self, console: Console, view: FlowView) -> None:
        self._console = console
        self._reader, self._printer = TraceReader(), MovePrinter(console, view)
        self._open = 0
        """The turn that has begun last."""

    def read(self, header: Header, record: Record, heading: str) -> bool:
        """Prints the moves that a record shows, under a heading; says whether there are any."""
        moves = self._reader.read(record)
        if moves and heading:
            print_title(heading, self._console)
        for move in moves:
            if move.kind == "start":
                last, self._open = self._reader.turns.get(self._open), move.turn
                if last and not last.complete:
                    metrics = measure_turn(last)
                    print_turn_metrics(metrics, self._console, tells_end=header.tells_end)
            is_early = move.kind == "fork" and move.cause == "node"
            # Known when the second node begins; others may follow.
            self._printer.print(replace(move, target=f"{move.target}, …") if is_early else move)
            if move.kind == "end":
                print_turn_metrics(measure_turn(self._reader.turns[move.turn]), self._console)
                for _ in self._reader.release():
                    pass
        turn = self._reader.turn_of(record) if record.hook == "model_call" else None
        if turn and turn.complete:  # a call that comes once the metrics stand there
            words = f"    with the summarizer after turn {turn.number}: "
            print_remark(f"{words}{count_turn(measure_turn(turn))}", self._console)
        return bool(moves)
