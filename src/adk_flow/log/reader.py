"""The flow log's reader: records line by line, cut or damaged ones left out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from adk_flow._text import plural
from adk_flow.errors import AdkFlowError
from adk_flow.log.requests import Requests
from adk_flow.log.schema import SCHEMA, Header, Part, Record

_HEADER_START = b'{"flow_log":'
_decode = msgspec.json.Decoder(Record).decode

TELLS_FAULTS = frozenset({"user_message", "before_run", "after_run", "run_error"})
"""Hooks whose records hold the recorder's count of its faults."""


_LONGEST_LINE = 32 << 20
"""Bytes; a recorder keeps less of any text."""
_CHUNK = 1 << 16
"""Bytes whose lines are read in a row, for the same reason as turns are given in a row."""
_MOST_TEXTS = 100_000


class LogError(AdkFlowError):
    """A file that cannot be read as a flow log."""


class Damage(NamedTuple):
    """A line of a flow log that could not be read."""

    line: int
    reason: str
    path: str = ""
    """Its file, where a log lies in several."""
    record: int = 0
    """Index of the record that follows."""


class MissingLines(NamedTuple):
    """Lines that are missing, as the numbers of the others tell."""

    line: int
    """The line of the file before which they are missing."""
    first: int
    """Number of the first that is."""
    last: int
    path: str = ""
    """Its file, where a log lies in several."""
    record: int = 0
    """Index of the record that follows."""

    def __str__(self) -> str:
        count = self.last - self.first + 1
        return f"{plural(count, 'line')} missing before line {self.line}"


class Log(NamedTuple):
    """A flow log as read."""

    path: str
    header: Header
    records: list[Record]
    texts: dict[int, str]
    """Texts of model requests by number, over the whole log."""
    damage: list[Damage]
    """Lines left out; the last is where a killed process was cut off."""
    gaps: Sequence[MissingLines] = ()
    """What else is missing."""

    def add(self, record: Record) -> None:
        """Takes the next record."""
        self.records.append(record)
        self.texts.update(record.texts)
        if record.text_number:
            self.texts[record.text_number] = record.text

    @property
    def unrecorded(self) -> int:
        """Hooks that failed to be recorded while it was written.

        A recorder counts all of its process, those of earlier sessions too, and the next process
        begins at 0.
        """
        counts = [record.faults for record in self.records if record.hook in TELLS_FAULTS]
        return sum(max(0, now - was) for was, now in pairwise(counts))

    @property
    def holes(self) -> list[int]:
        """Indexes of the records before which lines are lost; at the end it was only cut."""
        return _holes(self, len(self.records))

    @property
    def missing(self) -> int:
        """How many lines are missing."""
        return sum(gap.last - gap.first + 1 for gap in self.gaps)

    @property
    def losses(self) -> str:
        """Says what of it was lost; empty if nothing was."""
        counts = (
            (len(self.damage), "line", "could not be read"),
            (self.missing, "line", "missing"),
            (self.unrecorded, "hook", "could not be recorded"),
        )
        return ", ".join(f"{plural(n, what)} {how}" for n, what, how in counts if n)


class LogReader:
    """The records of a flow log, cut or damaged ones left out."""

    def __init__(self, path: str, first: bytes) -> None:
        """Takes the first line.

        Raises:
          LogError: it is no header, or has another schema.
        """
        self.path = path
        self.header = _first_header(path, first)
        self.damage: list[Damage] = []
        """Lines left out so far."""
        self.gaps: list[MissingLines] = []
        """What else was missing so far."""
        self._shift: tuple[int, int, int] | None = None
        self._runs = self._activations = self._texts = 0
        self._requests = Requests()
        self._line, self._index = 1, 0
        self.unrecorded, self._faults = 0, 1 << 63  # a log's first counts are of earlier sessions
        self._following = 1
        self._follow(self.header.number)

    def read(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """Reads the next lines, and then gives their records.

        Raises:
          LogError: one begins a part of another schema, or is longer than any.
        """
        records: list[Record] = []
        for line in lines:
            self._line += 1
            try:
                record = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield from records
                records.clear()
                self._read_other(line, error)
                continue
            if self._shift:
                record = shifted(record, self._shift)
            if record.number == self._following:
                self._following += 1
            elif record.number > self._following:
                self._follow(record.number)
            self._requests.complete(record)
            if record.run > self._runs:
                self._runs = record.run
            if record.activation > self._activations:
                self._activations = record.activation
            if record.text_number > self._texts:
                self._texts = record.text_number
            if record.texts:
                self._texts = max(self._texts, *record.texts)
            if record.hook in TELLS_FAULTS:
                self.unrecorded += max(0, record.faults - self._faults)
                self._faults = record.faults
            self._index += 1
            records.append(record)
        yield from records

    @property
    def holes(self) -> list[int]:
        """Those of the log so far, see `Log.holes`."""
        return _holes(self, self._index)

    def _read_other(self, line: bytes, error: Exception) -> None:
        """Reads a line that is no record: a header, or what is left of one."""
        if len(line) >= _LONGEST_LINE:
            words = f"line {self._line} is longer than 32 MB; no log has such"
            raise LogError(f"{self.path}: {words}")
        if line.startswith(_HEADER_START):
            self._begin_part(_loose(line))
        else:
            cut = str(error) if line.endswith(b"\n") else "the line was cut short"
            self.damage.append(Damage(self._line, cut, record=self._index))

    def _begin_part(self, header: dict[str, Any]) -> None:
        """Goes on with what a later process wrote, which numbers runs and all else from 1."""
        self._shift = self._runs, self._activations, self._texts
        self._requests = Requests()
        _check_version(self.path, self._line, header)
        self._follow(header.get("n"))

    def _follow(self, number: object) -> None:
        """Goes on from a line's number; notes lines that are missing before it.

        Those are not that could not be read. A number of 0 stands for one that is not known.
        """
        expected, self._following = self._following, 0
        if not isinstance(number, int) or number <= 0:
            return
        unread = sum(1 for _ in takewhile(lambda d: d.record == self._index, reversed(self.damage)))
        if expected and number - expected > unread:
            self.gaps.append(MissingLines(self._line, expected, number - 1, record=self._index))
        self._following = number + 1


def _holes(log: Log | LogReader, count: int) -> list[int]:
    return [hole.record for hole in (*log.damage, *log.gaps) if hole.record < count]


class LogFile:
    """A flow log to be read record by record, however long it is, and as often as asked for."""

    def __init__(self, path: str | Path) -> None:
        """Reads its header.

        Raises:
          LogError: the file cannot be read, is no flow log, or has another schema.
        """
        self.path = str(path)
        with self._opened() as file:
            self.read_so_far = LogReader(self.path, file.readline(_LONGEST_LINE))
        self.header = self.read_so_far.header

    @property
    def holes(self) -> list[int]:
        """Those of the log as far as it was read, see `Log.holes`."""
        return self.read_so_far.holes

    @contextmanager
    def _opened(self) -> Iterator[BufferedReader]:
        try:
            with Path(self.path).open("rb") as file:
                yield file
        except OSError as error:
            words = f"{self.path}: cannot be read: {error.strerror or error}"
            raise LogError(words) from error

    @property
    def records(self) -> Iterator[Record]:
        """Its records from the first, cut or damaged ones left out.

        Raises:
          LogError: it cannot be read, or a later part has another schema.
        """
        with self._opened() as file:
            self.read_so_far = reader = LogReader(self.path, file.readline(_LONGEST_LINE))
            while lines := file.read(_CHUNK):
                yield from reader.read(BytesIO(lines + file.readline(_LONGEST_LINE)))


class RecentTexts(OrderedDict[int, str]):
    """The texts that records had last, or that requests still name, by number.

    A plain dict finds its first key by passing all that were deleted before it.
    """

    def note(self, records: Iterable[Record]) -> Iterator[Record]:
        """Gives records and keeps their texts: more than a model takes in at once."""
        for record in records:
            if record.text_number:
                self[record.text_number] = record.text
            self.update(record.texts)
            if (request := record.request) is not None:
                self._renew(request.system, request.declared)
            while len(self) > _MOST_TEXTS:
                self.popitem(last=False)
            yield record

    def _renew(self, *numbers: int) -> None:
        for number in numbers:
            if number in self:
                self.move_to_end(number)


def read_log(path: str | Path) -> Log:
    """Reads a flow log, cut or damaged ones as far as they go.

    Raises:
      LogError: the file cannot be read, is no flow log, or has another schema.
    """
    file = LogFile(path)
    log = Log(file.path, file.header, [], {}, [], [])
    for record in file.records:
        log.add(record)
    reader = file.read_so_far
    return log._replace(damage=reader.damage, gaps=reader.gaps)


def is_flow_log(path: Path) -> bool:
    """Whether a file begins as a flow log does, or cannot be read, which its reader will tell."""
    try:
        with path.open("rb") as file:
            return "flow_log" in _loose(file.readline(_LONGEST_LINE))
    except OSError:
        return True


def _first_header(path: str, line: bytes) -> Header:
    if not line:
        raise LogError(f"{path}: is empty; expected a flow log, whose first line is its header")
    header = _loose(line)
    if "flow_log" not in header:
        raise LogError(
            f'{path}: line 1: no flow log; expected a header such as {{"flow_log":{SCHEMA},…}}'
        )
    _check_version(path, 1, header)
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.ValidationError, RecursionError) as error:
        raise LogError(f"{path}: line 1: damaged header: {error}") from error


def _loose(line: bytes) -> dict[str, Any]:
    """Reads a line's fields, whatever they hold; none of one that cannot be read."""
    try:
        return msgspec.json.decode(line, type=dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _check_version(path: str, line: int, header: dict[str, Any]) -> None:
    version = header.get("flow_log")
    if not isinstance(version, int) or version == SCHEMA:
        return
    if version < SCHEMA:
        words = f"this log has schema {version}, written by an older adk-flow; record it anew"
    else:
        words = f"flow log of schema {version}; this adk-flow reads up to {SCHEMA}"
    raise LogError(f"{path}: line {line}: {words}")


def shifted(record: Record, shift: tuple[int, int, int]) -> Record:
    """Adds to a record's numbers of runs, activations and texts."""
    runs, activations, texts = shift

    def moved(number: int, by: int) -> int:
        return number + by if number else 0

    request = record.request
    if request is not None:
        contents = request.contents
        request = replace(
            request,
            system=moved(request.system, texts),
            parts=tuple(Part(p.role, p.kind, moved(p.text, texts)) for p in request.parts),
            declared=moved(request.declared, texts),
            contents=contents
            and replace(contents, ranges=tuple(moved(end, texts) for end in contents.ranges)),
        )
    return replace(
        record,
        run=moved(record.run, runs),
        activation=moved(record.activation, activations),
        parent=moved(record.parent, activations),
        text_number=moved(record.text_number, texts),
        texts={moved(number, texts): text for number, text in record.texts.items()},
        request=request,
    )
