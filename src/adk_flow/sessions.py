"""The flow logs that a process keeps: one a session, its file open only during a turn."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adk_flow.log import LogWriter
from adk_flow.record import Header, Record

IDLE_SESSIONS = 256
"""Sessions whose numbering is remembered between turns; an older one continues as a new part."""


def _from_one() -> Iterator[int]:
    # A count is advanced in one step, so agents in several threads never share a number.
    return itertools.count(1)


@dataclass(slots=True)
class SessionLog:
    """The flow log of one session while this process records it."""

    path: Path
    header: Header
    keep: Callable[[str], str]
    """What of a text the log keeps."""
    active: int = 0
    """Top-level runs under way."""
    listed: bool = False
    """Whether the recorder has named its path."""
    run_numbers: Iterator[int] = field(default_factory=_from_one)
    frame_numbers: Iterator[int] = field(default_factory=_from_one)
    _texts: dict[str, int] = field(default_factory=dict)
    _writer: LogWriter | None = None
    _size: int = 0
    """Length of the file in bytes when it was last closed here."""

    def open(self) -> None:
        """Opens the file; one that somebody else has written to since gets a new part.

        Raises:
          OSError: the file cannot be opened or written.
        """
        if self._writer is not None:
            return
        writer = LogWriter(self.path)
        if not self._size or writer.size != self._size:
            writer.begin_part(self.header)
            self.run_numbers, self.frame_numbers, self._texts = _from_one(), _from_one(), {}
        self.path, self._writer = writer.path, writer

    def write(self, record: Record) -> None:
        """Appends one record.

        Raises:
          OSError: the file cannot be opened or written.
        """
        self.open()
        assert self._writer is not None
        self._writer.write(record)

    def close(self) -> None:
        """Closes the file until the next turn."""
        if self._writer is not None:
            self._size = self._writer.size
            self._writer.close()
            self._writer = None

    def number(self, text: str, new: dict[int, str]) -> int:
        """Numbers a text; one not seen before in this part of the log is added to `new`."""
        number = self._texts.get(text)
        if number is None:
            number = self._texts[text] = len(self._texts) + 1
            new[number] = self.keep(text)
        return number


class Sessions:
    """The session logs by app, user and session."""

    def __init__(self) -> None:
        self._logs: OrderedDict[tuple[str, str, str], SessionLog] = OrderedDict()

    def begin_turn(self, key: tuple[str, str, str], new: Callable[[], SessionLog]) -> SessionLog:
        """Gives the open log of a session, made by `new` if this process does not know it."""
        log = self._logs.get(key)
        if log is None:
            log = new()
        log.open()
        log.active += 1
        self._logs[key] = log
        self._logs.move_to_end(key)
        return log

    def end_turn(self, log: SessionLog) -> None:
        """Closes a log's file when its last turn ends, and forgets the longest idle ones."""
        log.active -= 1
        if log.active <= 0:
            log.close()
        surplus = max(0, len(self._logs) - IDLE_SESSIONS)
        for key, idle in list(itertools.islice(self._logs.items(), surplus)):
            if idle.active <= 0:
                del self._logs[key]

    def close(self) -> None:
        """Closes every file."""
        for log in self._logs.values():
            log.close()
        self._logs.clear()
