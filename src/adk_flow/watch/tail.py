"""One flow log read as it grows, and anew where it was cut, replaced or rotated."""

from __future__ import annotations

import os
import stat

from adk_flow.log.reader import Log, LogError, LogReader

_CHUNK = 1 << 20
"""Bytes read at once, so that a long log does not keep the others waiting."""
_LAST = 64
"""Bytes before the place read last by which a file is known again."""
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)


class Tail:
    """What was read of a flow log so far; a line that has no end yet is waited for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.log: Log | None = None
        """None before its header was read, and of what is no flow log."""
        self.begun = 0
        """How often it was begun anew."""
        self.error = ""
        """Why it is no flow log that can be read."""
        self._state: tuple[int, ...] = ()
        self._offset = 0
        self._first = self._last = self._rest = b""
        self._reader: LogReader | None = None

    def read(self, found: os.stat_result) -> bool:
        """Reads what is new in a file of that state; whether anything was, or is no more.

        Long logs come in pieces, one a call.
        """
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if state == self._state:
            return False
        try:
            file = os.open(self.path, _FLAGS)
        except OSError:  # gone, or a link by now
            return False
        try:
            return self._read(file)
        finally:
            os.close(file)

    def _read(self, file: int) -> bool:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return False
        goes_on = self._goes_on(file, found)
        if not goes_on:
            self._begin_anew()
        data = os.pread(file, _CHUNK, self._offset)
        self._offset += len(data)
        if self._offset >= found.st_size:
            self._state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        else:
            self._state = (found.st_dev, found.st_ino)
        self._last = (self._last + data)[-_LAST:]
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line + b"\n")
        return bool(data) or not goes_on

    def _goes_on(self, file: int, found: os.stat_result) -> bool:
        """Whether a file is the one that was read: neither another nor cut and written anew."""
        if not self._offset:
            return True
        is_same = self._state[:2] == (found.st_dev, found.st_ino)
        if not is_same or found.st_size < self._offset:
            return False
        first = os.pread(file, len(self._first), 0)
        last = os.pread(file, len(self._last), self._offset - len(self._last))
        return (first, last) == (self._first, self._last)

    def _begin_anew(self) -> None:
        self.log, self.error, self._reader = None, "", None
        self.begun += 1
        self._offset, self._first, self._last, self._rest = 0, b"", b"", b""

    def _take(self, line: bytes) -> None:
        if self.error:
            return
        try:
            if self._reader is None or self.log is None:
                self._first = line
                self._reader = LogReader(self.path, line)
                reader = self._reader
                self.log = Log(self.path, reader.header, [], {}, reader.damage, reader.gaps)
            else:
                for record in self._reader.read([line]):
                    self.log.add(record)
        except LogError as error:
            self.error = str(error)
