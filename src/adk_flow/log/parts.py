"""A session's log that lies in several files, as several workers wrote it, put together as one."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from adk_flow.log.reader import TELLS_FAULTS, Log, LogError, open_log, read_log, shifted
from adk_flow.log.schema import Header, Record


def read_session(*paths: str | Path, among: Iterable[Path] = ()) -> Log:
    """Reads a session, of whose log each file is a part, and so may be files `among` others.

    Raises:
      LogError: a file cannot be read, or is of another session.
    """
    logs = [read_log(path) for path in paths]
    first, names = logs[0], _names(logs[0].header)
    logs += [read_log(path) for path in among if _names_in(path) == names]
    session = next(one for one in _sessions_of(logs) if first in one)
    for log in logs[: len(paths)]:
        if log not in session:
            raise LogError(f"{log.path}: is of another session than {first.path}")
    return _join(session)


def _names_in(path: Path) -> tuple[str, ...]:
    """Reads whose session a file is of; nobody's if it does not say."""
    try:
        with open_log(path) as log:
            return _names(log.header)
    except LogError:
        return ()


def read_sessions(paths: Iterable[Path]) -> Iterator[Log]:
    """Reads sessions one by one, in the order of their first files.

    Raises:
      LogError: a file cannot be read, or is no flow log.
    """
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path in paths:
        with open_log(path) as log:
            groups.setdefault(_names(log.header), []).append(path)
    for group in groups.values():
        yield from map(_join, _sessions_of([read_log(path) for path in group]))


def _names(header: Header) -> tuple[str, ...]:
    return header.app, header.user, header.session, header.digest


def _sessions_of(logs: Sequence[Log]) -> list[list[Log]]:
    """Puts the parts of each session together.

    A part that begins a session is of another one of the same names, unless the first turns of
    both ran at the same time.
    """
    sessions: dict[tuple[str, ...], list[list[Log]]] = {}
    for log in sorted(logs, key=lambda log: log.header.time):
        same = sessions.setdefault(_names(log.header), [])
        if same and not (_begins(log) and _first_turn(same[-1][0])[1] < _first_turn(log)[0]):
            same[-1].append(log)
        else:
            same.append([log])
    return [session for same in sessions.values() for session in same]


def _begins(log: Log) -> bool:
    return next((record.first for record in log.records if record.hook == "user_message"), False)


def _first_turn(log: Log) -> tuple[int, int]:
    """Gives when its first turn began and ended, or broke off."""
    times = [record.time for record in log.records if record.run == log.records[0].run]
    return (times[0], times[-1]) if times else (log.header.time, log.header.time)


def _join(logs: Sequence[Log]) -> Log:
    """Makes one log of the parts of a session, in order of time."""
    first, *others = parts = number_apart(_without_twins(logs))
    if not others:
        return first
    records = heapq.merge(*map(_timed, range(len(parts)), parts), key=lambda part: part[0])
    return first._replace(
        records=list(_with_faults((part, record) for _, part, record in records)),
        texts={number: text for part in parts for number, text in part.texts.items()},
        damage=[damage._replace(path=part.path) for part in parts for damage in part.damage],
    )


def _without_twins(logs: Sequence[Log]) -> list[Log]:
    """Leaves out copies, and logs of a second recorder of the same runs; the longer one counts."""
    kept: dict[str, Log] = {}
    seen: dict[str, list[tuple[int, int]]] = {}
    for log in sorted(logs, key=lambda log: len(log.records), reverse=True):
        turns = _turns(log)
        if not any(
            began <= until and since <= ended
            for turn, (began, ended) in turns.items()
            for since, until in seen.get(turn, ())
        ):
            kept[log.path] = log
            for turn, span in turns.items():
                seen.setdefault(turn, []).append(span)
    return [log for log in logs if log.path in kept]


def _turns(log: Log) -> dict[str, tuple[int, int]]:
    """Gives when each turn began and ended, by ADK's id of it."""
    spans: dict[str, tuple[int, int]] = {}
    turns: dict[int, str] = {}
    for record in log.records:
        if record.hook == "user_message" and not record.parent and record.invocation:
            turns[record.run] = record.invocation
        if turn := turns.get(record.run):
            spans[turn] = (spans.get(turn, (record.time,))[0], record.time)
    return spans


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


def _timed(part: int, log: Log) -> Iterator[tuple[int, int, Record]]:
    """Gives records with the time at which each stands, which never runs backwards in a file."""
    latest = 0
    for record in log.records:
        latest = max(latest, record.time)
        yield latest, part, record


def _with_faults(records: Iterator[tuple[int, Record]]) -> Iterator[Record]:
    """Adds up what the recorders of all parts count."""
    counts: dict[int, int] = {}
    total = 0
    for part, record in records:
        if record.hook in TELLS_FAULTS:
            total += max(0, record.faults - counts.get(part, record.faults))
            counts[part] = record.faults
            record = replace(record, faults=total)
        yield record
