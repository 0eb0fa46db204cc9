"""The flow log: records written line by line to a JSONL file, and read back."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from adk_flow.problem import Problem
from adk_flow.record import SCHEMA, Header, Part, Record, Request

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; there one process should record a session.
    fcntl = None

_encode = msgspec.json.Encoder().encode
_HEADER_START = b'{"flow_log":'

_TELLS_FAULTS = frozenset({"user_message", "before_run", "after_run", "run_error"})
"""Hooks whose records hold the recorder's count of its faults."""


class LogError(Problem):
    """A file that cannot be read as a flow log."""


class Damage(NamedTuple):
    """A line of a flow log that could not be read."""

    line: int
    reason: str


class Log(NamedTuple):
    """A flow log as read."""

    path: str
    header: Header
    records: list[Record]
    texts: dict[int, str]
    """Texts of model requests by number, over the whole log."""
    damage: list[Damage]
    """Lines left out; the last is where a killed process was cut off."""

    @property
    def unrecorded(self) -> int:
        """Hooks that failed to be recorded while it was written.

        A recorder counts all of its process, those of earlier sessions too, and the next process
        begins at 0.
        """
        counts = [record.faults for record in self.records if record.hook in _TELLS_FAULTS]
        return sum(max(0, now - was) for was, now in pairwise(counts))


class LogWriter:
    """An open flow log; each record is one `write` to the file."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, or the next free name beside it, for appending.

        Raises:
          OSError: the file cannot be opened.
        """
        try:
            self.path, self._file = _open_alone(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.path, self._file = _open_alone(path)
        self.size = os.fstat(self._file).st_size
        """Length of the file in bytes, as far as this writer knows while it holds it."""

    def lock(self) -> bool:
        """Takes the file for itself again; False if another recorder has it, or it was deleted."""
        is_mine = _lock(self._file)
        found = os.fstat(self._file)
        self.size = found.st_size
        return is_mine and found.st_nlink > 0

    def unlock(self) -> None:
        """Lets another recorder have the file."""
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def begin_part(self, header: Header) -> None:
        """Writes a header, on a line of its own even after a line that was cut short.

        Raises:
          OSError: the file cannot be written.
        """
        if self.size and os.pread(self._file, 1, self.size - 1) != b"\n":
            self.size += os.write(self._file, b"\n")
        self._put(_encode(header))

    def write(self, record: Record) -> None:
        """Appends one record.

        Raises:
          OSError: the file cannot be written.
        """
        try:
            line = _encode(record)
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot write
            line = _encode(writable(msgspec.to_builtins(record)))
        self._put(line)

    def _put(self, line: bytes) -> None:
        line += b"\n"
        written = os.write(self._file, line)
        while written < len(line):
            written += os.write(self._file, line[written:])
        self.size += written

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _open_alone(path: Path) -> tuple[Path, int]:
    """Opens for appending under a lock; takes the next free of `.2`, `.3`, … if one holds it."""
    number, candidate = 1, path
    while True:
        file = os.open(candidate, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _lock(file):
            return candidate, file
        os.close(file)
        number += 1
        candidate = path.with_name(f"{path.stem}.{number}{path.suffix}")


def _lock(file: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def writable(value: Any) -> Any:
    """Replaces what UTF-8 cannot write in plain data: lone surrogates."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {writable(key): writable(one) for key, one in value.items()}
    return [writable(one) for one in value] if isinstance(value, (list, tuple)) else value


def log_path(directory: Path, app: str, user: str, session: str) -> Path:
    """Names the log of a session: `<directory>/<app>/<session>-<digest>.jsonl`.

    Names come from outside, so only letters, digits, `_` and `-` of them reach the path; the
    digest keeps apart what that makes alike, and the same session id of different users.
    """
    digest = hashlib.blake2b("\0".join((app, user, session)).encode(), digest_size=4).hexdigest()
    return directory / (_safe(app) or "app") / f"{_safe(session) or 'session'}-{digest}.jsonl"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64].strip("_")


class LogReader:
    """The records of an open flow log, one by one, cut or damaged ones left out."""

    def __init__(self, path: str, lines: Iterator[bytes]) -> None:
        self.path = path
        self.header = _first_header(path, next(lines, b""))
        self.damage: list[Damage] = []
        """Lines left out so far."""
        self._lines = lines

    def __iter__(self) -> Iterator[Record]:
        """Reads on.

        Raises:
          LogError: a later part has a newer schema.
        """
        decode = msgspec.json.Decoder(Record).decode
        shift, highest = (0, 0, 0), (0, 0, 0)
        for number, line in enumerate(self._lines, start=2):
            if line.startswith(_HEADER_START):
                # Each process numbers its runs, frames and texts from 1.
                _check_version(self.path, number, _version(line))
                shift = highest
                continue
            try:
                record = _shifted(decode(line), shift) if any(shift) else decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                cut = "the line was cut short" if not line.endswith(b"\n") else str(error)
                self.damage.append(Damage(number, cut))
                continue
            runs, frames, texts = highest
            texts = max(texts, *record.texts) if record.texts else texts
            highest = (max(runs, record.run), max(frames, record.frame), texts)
            yield record


@contextmanager
def open_log(path: str | Path) -> Iterator[LogReader]:
    """Opens a flow log to be read record by record, however long it is.

    Raises:
      LogError: the file cannot be read, is no flow log, or has a newer schema.
    """
    try:
        with Path(path).open("rb") as file:
            yield LogReader(str(path), file)
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_log(path: str | Path) -> Log:
    """Reads a flow log, cut or damaged ones as far as they go.

    Raises:
      LogError: the file cannot be read, is no flow log, or has a newer schema.
    """
    with open_log(path) as reader:
        log = Log(str(path), reader.header, [], {}, reader.damage)
        for record in reader:
            log.records.append(record)
            log.texts.update(record.texts)
    return log


def is_flow_log(path: Path) -> bool:
    """Whether a file begins as a flow log does, or cannot be read, which its reader will tell."""
    try:
        with path.open("rb") as file:
            return _version(file.readline()) is not None
    except OSError:
        return True


def _first_header(path: str, line: bytes) -> Header:
    if not line:
        raise LogError(f"{path}: is empty; expected a flow log, whose first line is its header")
    version = _version(line)
    if version is None:
        raise LogError(f'{path}: line 1: no flow log; expected a header such as {{"flow_log":1,…}}')
    _check_version(path, 1, version)
    try:
        return msgspec.json.decode(line, type=Header)
    except msgspec.ValidationError as error:
        raise LogError(f"{path}: line 1: damaged header: {error}") from error


def _version(line: bytes) -> int | None:
    try:
        version = msgspec.json.decode(line, type=dict).get("flow_log")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return version if isinstance(version, int) else None


def _check_version(path: str, line: int, version: int | None) -> None:
    if version is not None and version > SCHEMA:
        raise LogError(
            f"{path}: line {line}: flow log of schema {version}; this adk-flow reads up to {SCHEMA}"
        )


def _shifted(record: Record, shift: tuple[int, int, int]) -> Record:
    runs, frames, texts = shift

    def moved(number: int, by: int) -> int:
        return number + by if number else 0

    request = record.request
    if request is not None:
        request = Request(
            system=moved(request.system, texts),
            parts=tuple(Part(p.role, p.kind, moved(p.text, texts)) for p in request.parts),
            tools=request.tools,
            targets=request.targets,
            schema=request.schema,
        )
    return msgspec.structs.replace(
        record,
        run=moved(record.run, runs),
        frame=moved(record.frame, frames),
        caller=moved(record.caller, frames),
        texts={moved(number, texts): text for number, text in record.texts.items()},
        request=request,
    )
