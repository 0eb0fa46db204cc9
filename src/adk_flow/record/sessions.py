"""The flow logs that a process keeps: one a session, its file locked only during a turn."""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import force_setattr, replace

from adk_flow.log.private import PRIVATE
from adk_flow.log.schema import Header, Record
from adk_flow.log.writer import LogWriter
from adk_flow.record.sent import SentRequests

KNOWN_SESSIONS = 1024
"""Sessions whose numbering is remembered between turns; an older one continues as a new part."""

OPEN_FILES = 64
"""Logs that are open at once; more would take the app's share of files."""

ABANDONED_MICROSECONDS = 3_600_000_000
"""Silence after which a turn is taken to have been cancelled."""

LOOK_MICROSECONDS = 10_000
"""Time after which a log is looked for again, which may have been deleted."""

_AFTER_OTHERS = frozenset(
    {
        *("after_model", "model_error", "model_call"),
        *("after_tool", "tool_error", "after_run", "run_error"),
    }
)
"""Hooks before which a model or a tool ran, so that it is looked for there too, and at the end."""


_CLOCK_OFFSET = time.time_ns() - time.perf_counter_ns()


def now() -> int:
    """Gives microseconds since the epoch, which never run backwards within a process."""
    return (_CLOCK_OFFSET + time.perf_counter_ns()) // 1000


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
    file_mode: int = PRIVATE
    opened: Callable[[SessionLog], None] = lambda log: None
    """Called when it takes one of the process's files."""
    active: int = 0
    """Top-level runs under way."""
    listed: bool = False
    """Whether the recorder has named its path."""
    run_numbers: Iterator[int] = field(default_factory=_from_one)
    activation_numbers: Iterator[int] = field(default_factory=_from_one)
    number: int = 0
    """That of the latest line, be it written or lost."""
    _writer: LogWriter | None = None
    _size: int = 0
    """Length of the file in bytes when it was last let go."""
    _is_taken: bool = False
    events_read: int = 0
    """Events of ADK's session that were looked through for what no hook tells."""
    written: int = 0
    """Time of the latest record."""
    _looked: int = 0
    """When it was last seen to be there."""
    requests: SentRequests = field(init=False)
    """What models were sent, as this part of the log tells it."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while a record is made and written: runs in several threads may share the log."""

    def __post_init__(self) -> None:
        """Begins with no request."""
        self.requests = SentRequests(self.keep)

    @property
    def is_open(self) -> bool:
        """Whether it holds one of the process's files."""
        return self._writer is not None

    def _open(self) -> LogWriter:
        """Takes the file; one that is new, or that was changed since, gets a new part.

        Raises:
          OSError: the file cannot be opened or written; nothing of it is kept then.
        """
        if self._writer is not None and not self._writer.lock():
            self.close()
        writer = self._writer or LogWriter(self.path, self.file_mode)
        try:
            if not self._size or writer.size != self._size:
                number = max(self.number, writer.last_number()) + 1
                self.header = replace(self.header, number=number)
                writer.begin_part(self.header)
                self.number = number
                self.requests = SentRequests(self.keep, self.requests.count)
        except OSError:
            self._writer = None
            writer.discard()
            raise
        if self._writer is None:
            self._writer, self.path = writer, writer.path
            self.opened(self)
        # Whatever it is found to hold from now on, short of `release`, is a change.
        self._is_taken, self._size = True, 0
        return writer

    def write(self, record: Record) -> None:
        """Appends one record, to a new file where the log was deleted or cut.

        It is dated, and numbered, so that one that is lost leaves a gap. Whoever calls holds the
        lock.

        Raises:
          OSError: the file cannot be opened or written; the next record tries anew.
        """
        moment, writer = now(), self._writer
        may_be_gone = moment - self._looked > LOOK_MICROSECONDS or record.hook in _AFTER_OTHERS
        if may_be_gone:
            self._looked = moment
        try:
            if not (writer and self._is_taken and writer.holds_all(may_be_gone=may_be_gone)):
                writer = self._open()
        finally:
            self.number += 1
            force_setattr(record, "number", self.number)
            force_setattr(record, "time", moment)
        try:
            writer.write(record)
        except OSError:
            self.close()
            raise
        self.written = moment

    def release(self) -> None:
        """Lets others have the file until the next turn."""
        if self._writer is not None and self._is_taken:
            self._size = self._writer.size
            self._writer.unlock()
        self._is_taken = False

    def close(self) -> None:
        """Closes the file until the next record."""
        self.release()
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class Sessions:
    """The session logs by app, user and session."""

    def __init__(self) -> None:
        self._logs: OrderedDict[tuple[str, str, str], SessionLog] = OrderedDict()
        self._open: OrderedDict[int, SessionLog] = OrderedDict()
        """The logs that were opened last."""

    def begin_turn(self, key: tuple[str, str, str], new: Callable[[], SessionLog]) -> SessionLog:
        """Gives the log of a session, made by `new` if this process does not know it."""
        log = self._logs.get(key)
        if log is None:
            log = new()
            log.opened = self._close_surplus
        log.active += 1
        self._logs[key] = log
        self._logs.move_to_end(key)
        return log

    def end_turn(self, log: SessionLog) -> None:
        """Lets go of a log's file when its last turn ends."""
        log.active -= 1
        if log.active <= 0:
            log.release()

    def forget_abandoned(self) -> list[SessionLog]:
        """Forgets surplus sessions that are idle, or whose turn ended unseen, and gives them.

        ADK tells no hook that a turn was cancelled, so only its long silence shows it.
        """
        surplus = len(self._logs) - KNOWN_SESSIONS
        if surplus <= 0:
            return []
        gone = [
            (key, log)
            for key, log in itertools.islice(self._logs.items(), surplus)
            if log.active <= 0 or now() - log.written > ABANDONED_MICROSECONDS
        ]
        for key, log in gone:
            log.close()
            self._open.pop(id(log), None)
            del self._logs[key]
        return [log for _, log in gone]

    def _close_surplus(self, opened: SessionLog) -> None:
        """Closes the file opened longest ago if there are too many; a record reopens it."""
        self._open[id(opened)] = opened
        self._open.move_to_end(id(opened))
        while len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)[1].close()

    def close(self) -> list[SessionLog]:
        """Closes every file, forgets the sessions that are idle, and gives them.

        Others go on where Runners share a recorder, as in `adk eval`; a record reopens their files.
        """
        idle = {key: log for key, log in self._logs.items() if log.active <= 0}
        for log in self._logs.values():
            log.close()
        self._open.clear()
        for key in idle:
            del self._logs[key]
        return list(idle.values())
