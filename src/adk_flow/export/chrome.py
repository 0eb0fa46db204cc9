"""Logs as one file of Chrome's trace events, which Perfetto and speedscope open.

The format is Google's "Trace Event Format": complete events (`X`) with times in microseconds, which
lie inside each other on a track; a transfer is an arrow (`s` to `f`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from adk_flow._text import plain
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.export import EXPORT_SCHEMA
from adk_flow.export.spans import NONE, FlowSpan, spans_of
from adk_flow.log.private import write_private_text
from adk_flow.log.reader import Log

Event = dict[str, Any]


def write_chrome(logs: Iterable[Log], path: Path) -> int:
    """Writes logs, each a process of the trace, and gives the number of events.

    Raises:
      AdkFlowError: the file cannot be written.
    """
    events = [event for n, log in enumerate(logs, start=1) for event in chrome_events(log, n)]
    trace = {"traceEvents": events, "displayTimeUnit": "ms", "schema": EXPORT_SCHEMA}
    write_private_text(path, msgspec.json.encode(trace).decode())
    return len(events)


def chrome_events(log: Log, process: int) -> Iterator[Event]:
    """Lays the spans of a log on tracks, of which an agent has as many as ran at once."""
    spans, tracks = spans_of(trace_log(log)).spans, _Tracks()
    yield _named("process_name", process, 0, f"{log.header.app} {log.header.session}")
    for span in spans:
        if span.kind == "replaced":  # no model was called, and ADK makes no span of it either
            continue
        where = {"pid": process, "tid": tracks.place(span), "ts": span.began}
        name = f"turn {span.turn}" if span.kind == "turn" else span.name
        took = {"dur": span.ended - span.began, "args": _arguments(span)}
        yield {"ph": "X", "name": plain(name), "cat": span.kind, **where, **took}
        if span.source != NONE:
            source = spans[span.source]
            arrow = {"name": "transfer", "cat": "control", "id": span.record}
            end = {"tid": tracks.of_activation[source.activation], "ts": source.ended}
            yield {"ph": "s", **arrow, **where, **end}
            yield {"ph": "f", "bp": "e", **arrow, **where}
    for track, agent in tracks.names.items():
        yield _named("thread_name", process, track, agent or "turns")


def _arguments(span: FlowSpan) -> Event:
    args: Event = {"agent": plain(span.agent), "turn": span.turn, "record": span.record}
    known = {"cause": span.cause, "kind": span.tool_kind, "error": plain(span.error)}
    args |= {name: value for name, value in known.items() if value}
    if span.kind == "model" and span.usage:
        args |= {"input_tokens": span.usage.input, "output_tokens": span.usage.generated}
    return args


def _named(kind: str, process: int, track: int, name: str) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": track, "args": {"name": plain(name)}}


class _Tracks:
    """Tracks, on each of which spans lie inside each other or after each other."""

    def __init__(self) -> None:
        self._ends: dict[int, list[int]] = {}
        """By track: the ends of the spans that may lie around the next."""
        self.names: dict[int, str] = {}
        self.of_activation: dict[int, int] = {}

    def place(self, span: FlowSpan) -> int:
        """Finds the track of a span; spans come as they began."""
        own = (track for track, agent in self.names.items() if agent == span.agent)
        track = next((track for track in own if self._has_room(track, span)), len(self.names) + 1)
        self.names.setdefault(track, span.agent)
        self._ends.setdefault(track, []).append(span.ended)
        self.of_activation.setdefault(span.activation, track)
        return track

    def _has_room(self, track: int, span: FlowSpan) -> bool:
        ends = self._ends[track]
        while ends and ends[-1] <= span.began:
            ends.pop()
        return not ends or span.ended <= ends[-1]
