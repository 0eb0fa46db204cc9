"""The flow log's reader: records line by line, cut or damaged ones left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import SCHEMA, Header, Part, Record

_HEADER_START = b'{"flow_log":'

TELLS_FAULTS = frozenset({"user_message", "before_run", "after_run", "run_error"})
"""Hooks whose records hold the recorder's count of its faults."""


class LogError(AdkFlowError):
    """A file that cannot be read as a flow log."""


class Damage(NamedTuple):
    """A line of a flow log that could not be read."""

    line: int
    reason: str
    path: str = ""
    """Its file, where a log lies in several."""


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
        counts = [record.faults for record in self.records if record.hook in TELLS_FAULTS]
        return sum(max(0, now - was) for was, now in pairwise(counts))


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
                record = shifted(decode(line), shift) if any(shift) else decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                cut = "the line was cut short" if not line.endswith(b"\n") else str(error)
                self.damage.append(Damage(number, cut))
                continue
            runs, activations, texts = highest
            texts = max(texts, *record.texts) if record.texts else texts
            highest = (max(runs, record.run), max(activations, record.activation), texts)
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
    except (msgspec.ValidationError, RecursionError) as error:
        raise LogError(f"{path}: line 1: damaged header: {error}") from error


def _version(line: bytes) -> int | None:
    try:
        version = msgspec.json.decode(line, type=dict).get("flow_log")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return version if isinstance(version, int) else None


def _check_version(path: str, line: int, version: int | None) -> None:
    if version is not None and version > SCHEMA:
        raise LogError(
            f"{path}: line {line}: flow log of schema {version}; this adk-flow reads up to {SCHEMA}"
        )


def shifted(record: Record, shift: tuple[int, int, int]) -> Record:
    """Adds to a record's numbers of runs, activations and texts."""
    runs, activations, texts = shift

    def moved(number: int, by: int) -> int:
        return number + by if number else 0

    request = record.request
    if request is not None:
        request = msgspec.structs.replace(
            request,
            system=moved(request.system, texts),
            parts=tuple(Part(p.role, p.kind, moved(p.text, texts)) for p in request.parts),
            declared=moved(request.declared, texts),
        )
    return msgspec.structs.replace(
        record,
        run=moved(record.run, runs),
        activation=moved(record.activation, activations),
        parent=moved(record.parent, activations),
        texts={moved(number, texts): text for number, text in record.texts.items()},
        request=request,
    )
