"""A session's log that lies in several files, as several workers wrote it, put together as one."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from adk_flow.log.reader import (
    TELLS_FAULTS,
    Damage,
    Log,
    LogError,
    LogFile,
    MissingLines,
    read_log,
    shifted,
)
from adk_flow.log.schema import Header, Record

_Hole = TypeVar("_Hole", Damage, MissingLines)


def names_in(path: Path) -> tuple[str, ...]:
    """Tells whose session a file is of; nobody's if it does not say."""
    try:
        return _names(LogFile(path).header)
    except LogError:
        return ()


def _names(header: Header) -> tuple[str, ...]:
    return header.app, header.user, header.session, header.digest


def read_sessions(paths: Iterable[Path]) -> Iterator[Log]:
    """Reads sessions one by one, in the order of their first files.

    Raises:
      LogError: a file cannot be read, or is no flow log.
    """
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        groups.setdefault(_names(LogFile(path).header), []).append(path)
    for group in groups.values():
        yield from map(join_parts, group_by_session([read_log(path) for path in group]))


class _Turn(NamedTuple):
    """A turn as its log has it."""

    invocation: str
    began: int
    ended: int
    """Time of its latest record."""


def group_by_session(logs: Sequence[Log]) -> list[list[Log]]:
    """Puts the parts of each session together.

    A part that begins a session is of another one of the same names, unless the first turns of
    both ran at the same time.
    """
    sessions: dict[tuple[str, ...], list[list[Log]]] = {}
    for log in sorted(logs, key=lambda log: log.header.time):
        same = sessions.setdefault(_names(log.header), [])
        if same and not (_begins(log) and _first_turn(same[-1][0]).ended < _first_turn(log).began):
            same[-1].append(log)
        else:
            same.append([log])
    return [session for same in sessions.values() for session in same]


def _begins(log: Log) -> bool:
    return next((record.first for record in log.records if record.hook == "user_message"), False)


def _first_turn(log: Log) -> _Turn:
    return next(iter(_turns(log)), _Turn("", log.header.time, log.header.time))


def _turns(log: Log) -> list[_Turn]:
    turns: dict[int, _Turn] = {}
    for record in log.records:
        if turn := turns.get(record.run):
            turns[record.run] = turn._replace(ended=record.time)
        elif record.hook == "user_message" and not record.parent:
            turns[record.run] = _Turn(record.invocation, record.time, record.time)
    return list(turns.values())


def join_parts(parts: Sequence[Log]) -> Log:
    """Makes one log of the parts of a session, in order of time."""
    if len(parts) > 1:
        parts = number_apart(_without_twins(parts))
    first, *others = parts
    if not others:
        return first
    ends = {part.records[-1].number for part in parts if part.records}
    records = merge([part.records for part in parts])
    damage, gaps = join_losses(parts, records)
    return first._replace(
        records=records,
        texts={number: text for part in parts for number, text in part.texts.items()},
        damage=damage,
        # What is missing before a log that was rotated is the end of another one.
        gaps=[gap for gap in gaps if gap.line > 1 or gap.last not in ends],
    )


def join_losses(
    logs: Sequence[Log], records: Sequence[Record]
) -> tuple[list[Damage], list[MissingLines]]:
    """Gives what logs lack, with the file of each, and its place among the records of all."""
    times = [time for time, _, _ in _timed(0, records)]

    def placed(log: Log, holes: Iterable[_Hole]) -> Iterator[_Hole]:
        own = [time for time, _, _ in _timed(0, log.records)]
        for hole in holes:
            is_cut = hole.record == len(own)
            place = len(times) if is_cut else bisect_left(times, own[hole.record])
            yield hole._replace(path=hole.path or log.path, record=place)

    damage = [hole for log in logs for hole in placed(log, log.damage)]
    return damage, [hole for log in logs for hole in placed(log, log.gaps)]


def _without_twins(logs: Sequence[Log]) -> list[Log]:
    """Leaves out copies, and logs of a second recorder of the same runs; the longer one counts."""
    kept: list[Log] = []
    seen: dict[str, list[_Turn]] = {}
    for log in sorted(logs, key=lambda log: len(log.records), reverse=True):
        turns = _turns(log)
        pairs = ((turn, twin) for turn in turns for twin in seen.get(turn.invocation, ()))
        if not any(turn.began <= twin.ended and twin.began <= turn.ended for turn, twin in pairs):
            kept.append(log)
            for turn in turns:
                seen.setdefault(turn.invocation, []).append(turn)
    return sorted(kept, key=lambda log: log.header.time)


def number_apart(logs: Sequence[Log]) -> list[Log]:
    """Numbers runs, activations and texts on from log to log."""
    apart, runs, activations, texts = [], 0, 0, 0
    for log in logs:
        shift = runs, activations, texts
        records = [shifted(record, shift) for record in log.records] if apart else log.records
        numbered = {number + texts: text for number, text in log.texts.items()}
        apart.append(log._replace(records=records, texts=numbered))
        runs = max([runs, *(record.run for record in records)])
        activations = max([activations, *(record.activation for record in records)])
        texts = max([texts, *numbered])
    return apart


def merge(parts: Sequence[Iterable[Record]]) -> list[Record]:
    """Puts the records of several logs in order of time, and adds up what their recorders count."""
    numbered = map(_timed, range(len(parts)), parts)
    counts: dict[int, int] = {}
    records, faults = [], 0
    for _, part, record in heapq.merge(*numbered, key=lambda timed: timed[0]):
        if record.hook in TELLS_FAULTS:
            faults += max(0, record.faults - counts.get(part, record.faults))
            counts[part] = record.faults
            record = replace(record, faults=faults)
        records.append(record)
    return records


def _timed(part: int, records: Iterable[Record]) -> Iterator[tuple[int, int, Record]]:
    """Gives records with the time at which each stands, which never runs backwards in a log."""
    latest = 0
    for record in records:
        latest = max(latest, record.time)
        yield latest, part, record
