"""The flow log's writer: each record is one line, written in one step."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from adk_flow.log.private import PRIVATE, is_device, make_private_folder, open_log_file
from adk_flow.log.schema import Header, Record

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; there one process should record a session.
    fcntl = None

_encode = msgspec.json.Encoder().encode
_TAIL = 1 << 16
_NUMBERS = re.compile(rb'^\{"(?:hook|flow_log)":[^,]+,"n":(\d+)', re.MULTILINE)


class LogWriter:
    """An open flow log; each record is one `write` to the file."""

    def __init__(self, path: Path, file_mode: int = PRIVATE) -> None:
        """Opens `path`, or the next free name beside it, for appending.

        Raises:
          OSError: the file cannot be opened.
        """
        if not is_device(path):
            make_private_folder(path.parent, file_mode)
        self.path, self._file, self._found = _open_alone(path, file_mode)
        self._place = str(self.path)
        self._is_file = stat.S_ISREG(self._found.st_mode)
        self.size = self._found.st_size
        """Length of the file in bytes, as far as this writer knows while it holds it."""

    def lock(self) -> bool:
        """Takes the file for itself again.

        False if another recorder has it, or it lies at its path no more: deleted, or rotated.
        """
        is_mine = _lock(self._file)
        if is_mine and self._is_file:
            there = _is_at(self._place, self._found)
            is_mine, self.size = there is not None, there.st_size if there else 0
        return is_mine

    def holds_all(self, *, may_be_gone: bool = True) -> bool:
        """Whether what this writer wrote is there still: the file was neither cut nor deleted.

        Whether it was deleted is asked only where it may be: that takes longer than writing a line,
        and has ext4 date each line anew.
        """
        if not self._is_file:
            return True
        if os.lseek(self._file, 0, os.SEEK_END) != self.size:
            return False
        return not may_be_gone or os.fstat(self._file).st_nlink > 0

    def unlock(self) -> None:
        """Lets another recorder have the file."""
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError:  # where a file system has no locks
                return

    def begin_part(self, header: Header) -> None:
        """Writes a header, on a line of its own even after a line that was cut short.

        Raises:
          OSError: the file cannot be written.
        """
        if self.size and os.pread(self._file, 1, self.size - 1) != b"\n":
            self.size += os.write(self._file, b"\n")
        self.write(header)

    def last_number(self) -> int:
        """Gives the number of the file's last line; 0 where it has none near its end.

        Raises:
          OSError: the file cannot be read.
        """
        tail = os.pread(self._file, _TAIL, max(0, self.size - _TAIL)) if self.size else b""
        return int([0, *_NUMBERS.findall(tail)][-1])

    def write(self, content: Header | Record) -> None:
        """Appends one line.

        Raises:
          OSError: the file cannot be written.
        """
        try:
            line = _encode(content) + b"\n"
        except UnicodeEncodeError:
            _make_writable(content)
            line = _encode(content) + b"\n"
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            with suppress(OSError):  # takes back what a full disk had room for
                os.ftruncate(self._file, self.size)
            raise
        self.size += written

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def discard(self) -> None:
        """Closes a file of which nothing came, and removes it if it is empty."""
        self.close()
        if self._is_file and not self.size:
            self.path.unlink(missing_ok=True)


def _open_alone(path: Path, file_mode: int) -> tuple[Path, int, os.stat_result]:
    """Opens for appending under a lock; takes the next free of `.2`, `.3`, … if one holds it."""
    number, candidate = 1, path
    while True:
        file = open_log_file(candidate, file_mode)
        is_mine, found = _lock(file), os.fstat(file)
        # One that was deleted in between, as `discard` does, is at its path no more.
        if is_mine and (not stat.S_ISREG(found.st_mode) or _is_at(str(candidate), found)):
            return candidate, file, found
        os.close(file)
        number += 1
        candidate = path.with_name(f"{path.stem}.{number}{path.suffix}")


def _lock(file: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # No locks here, as on some network drives: the same holds as on Windows.
        return True
    return True


def _is_at(path: str, found: os.stat_result) -> os.stat_result | None:
    """Gives what a file is now that was found; None if it lies at its path no more."""
    try:
        there = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - half the time of Path.stat
    except FileNotFoundError:
        return None
    is_same = (there.st_ino, there.st_dev) == (found.st_ino, found.st_dev)
    return there if is_same else None


def _make_writable(content: Header | Record) -> None:
    """Replaces lone surrogates in a line, so that who reads it as it is written has the same."""
    line = msgspec.convert(writable(msgspec.to_builtins(content)), type(content))
    for field in content.__struct_fields__:
        force_setattr(content, field, getattr(line, field))


def writable(value: Any) -> Any:
    """Replaces what UTF-8 cannot write in plain data: lone surrogates."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {writable(key): writable(one) for key, one in value.items()}
    return [writable(one) for one in value] if isinstance(value, (list, tuple)) else value


def session_digest(app: str, user: str, session: str) -> str:
    """Tells sessions apart by their names, of which it shows none; 128 bits."""
    names = "\0".join((app, user, session)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(names, digest_size=16).hexdigest()


def log_path(directory: Path, app: str, user: str, session: str, shown: str) -> Path:
    """Names the log of a session: `<directory>/<app>/<session>-<digest>.jsonl`.

    Names come from outside, so only letters, digits, `_` and `-` of them reach the path, and of
    the session's those of `shown`, its id without secrets; the digest keeps apart what that makes
    alike, and the same session id of different users.
    """
    digest = session_digest(app, user, session)
    return directory / (_safe(app) or "app") / f"{_safe(shown) or 'session'}-{digest}.jsonl"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64].strip("_")
