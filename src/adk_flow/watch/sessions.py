"""The sessions of a folder of flow logs, as far as they were written."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import TraceReader, trace_log
from adk_flow.log.parts import group_by_session, join_parts
from adk_flow.log.reader import Log
from adk_flow.log.schema import Record
from adk_flow.log.story import join_all
from adk_flow.watch.tail import Tail

TICK = 0.05
"""Seconds between two looks at a folder."""
MOST_LOGS = 200
"""Logs that are read at first, and so many more when asked for."""
_PATIENCE = 0.05
"""Seconds of reading after which the rest waits for the next look."""
_LIVE = 120
"""Seconds after its last record in which a turn without an end is taken to be under way."""


class Session:
    """A session, of which several files may be parts."""

    log: Log
    """All parts as one, once it was updated."""

    def __init__(self, id: str) -> None:
        self.id = id
        """Opaque: it shows no name and no path."""
        self.version = 0
        """How often it changed."""
        self.began = 0
        """When its latest turn began."""
        self.stage: tuple[int, ...] = ()
        """What the list of sessions shows of it: how many turns began and ended, and agents."""
        self._latest_open = 0
        """The latest record of turns that have no end."""
        self._parts: list[tuple[Tail, int]] = []
        self._reader = TraceReader()
        self._read = 0
        self.asks_servers = False
        """Whether it asked agents over A2A."""
        self._story: Trace | None = None

    def is_of(self, tails: Sequence[Tail]) -> bool:
        """Whether it was read from just these files."""
        return [tail for tail, _ in self._parts] == tails

    def update(self, tails: Sequence[Tail]) -> list[Record]:
        """Reads on; gives the records that are new, all where it was read anew."""
        parts = [(tail, tail.begun) for tail in tails]
        if len(parts) > 1 or parts != self._parts:
            logs = [tail.log for tail in tails if tail.log is not None]
            self.log, self._reader, self._read = join_parts(logs), TraceReader(), 0
            self._parts = parts
        new = self.log.records[self._read :]
        for record in new:
            self._reader.read(record)
        self._read += len(new)
        self.asks_servers |= any(record.kind == "a2a" for record in new)
        self.version += 1
        turns = self._reader.turns.values()
        self.began = max((turn.began for turn in turns), default=self.log.header.time)
        ended = sum(turn.complete for turn in turns)
        self.stage = (self.began, len(turns), ended, len(self._reader.activations))
        self._latest_open = max((turn.ended for turn in turns if not turn.complete), default=0)
        return new

    def tell_with_servers(self, story: Log) -> None:
        """Shows it together with what the servers recorded that it asked."""
        if len(story.records) != len(self.trace.log.records):
            self._story = None if story is self.log else trace_log(story)
            self.version += 1

    @property
    def trace(self) -> Trace:
        """What was read so far."""
        return self._story or self._reader.trace_of(self.log)

    @property
    def is_live(self) -> bool:
        """Whether a turn is under way, as far as a log can tell."""
        return abs(time.time() - self._latest_open / 1e6) < _LIVE


class WatchedFolder:
    """A folder of logs, or one log, looked at again and again."""

    def __init__(self, root: Path) -> None:
        self.sessions: dict[str, Session] = {}
        self.of_others = set[str]()
        """Ids of those that a session shows as the servers' that it asked."""
        self.most = MOST_LOGS
        """Logs that are read, the newest by their last change."""
        self.unread = 0
        """Logs beyond those that are read."""
        self._root = str(root.resolve())
        self._tails: dict[str, Tail] = {}
        self._waiting = set[str]()
        self._key = token_bytes(32)

    def look(self) -> Iterator[tuple[Session, list[Record]]]:
        """Reads what was written since the last look; gives the sessions that changed."""
        files = sorted(_logs_in(self._root), key=lambda file: file[1].st_mtime_ns, reverse=True)
        self.unread = max(0, len(files) - self.most)
        kept, before = dict(files[: self.most]), len(self._tails)
        self._tails = {path: tail for path, tail in self._tails.items() if path in kept}
        is_gone = len(self._tails) < before
        changed = self._read(kept)
        if changed or is_gone:
            yield from self._update(changed)

    def _read(self, files: dict[str, os.stat_result]) -> set[Tail]:
        """Reads what is new; those for which there is no time come first at the next look."""
        changed, until = set[Tail](), time.monotonic() + _PATIENCE
        order = sorted(files, key=lambda path: path not in self._waiting)
        self._waiting = set()
        for number, path in enumerate(order, start=1):
            tail = self._tails.setdefault(path, Tail(path))
            if tail.read(files[path]):
                changed.add(tail)
            if time.monotonic() > until:
                self._waiting = set(order[number:])
                break
        return changed

    def _update(self, changed: set[Tail]) -> Iterator[tuple[Session, list[Record]]]:
        names = defaultdict[tuple[str, ...], list[Tail]](list)
        for tail in self._tails.values():
            if tail.log is not None:
                header = tail.log.header
                names[header.app, header.user, header.session, header.digest].append(tail)
        before, self.sessions = self.sessions, {}
        for name, tails in names.items():
            for number, parts in enumerate(_apart(tails)):
                id = self._id(*name, str(number))
                session = self.sessions[id] = before.get(id) or Session(id)
                if changed.intersection(parts) or not session.is_of(parts):
                    yield session, session.update(parts)
        self._join_servers()

    def _join_servers(self) -> None:
        """Puts sessions together with those of the servers that they asked over A2A."""
        self.of_others = set()
        if not any(session.asks_servers for session in self.sessions.values()):
            return
        joined = join_all([session.log for session in self.sessions.values()])
        stories = {id(story.header): story for story in joined}
        for session in self.sessions.values():
            story = stories.get(id(session.log.header))
            if story is None:
                self.of_others.add(session.id)
            else:
                session.tell_with_servers(story)

    def _id(self, *names: str) -> str:
        text = "\0".join(names).encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=12).hexdigest()


def _apart(tails: Sequence[Tail]) -> list[list[Tail]]:
    """Tells sessions of the same names apart."""
    if len(tails) == 1:
        return [list(tails)]
    of_log = {id(tail.log): tail for tail in sorted(tails, key=lambda tail: tail.path)}
    groups = group_by_session([tail.log for tail in of_log.values() if tail.log is not None])
    return [[of_log[id(log)] for log in group] for group in groups]


def _logs_in(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Finds logs, however deep; symbolic links are not followed."""
    try:
        entries = list(os.scandir(path))
    except NotADirectoryError:
        yield from _stat(Path(path))
        return
    except OSError:  # not there, not yet or not any more
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _logs_in(entry.path)
        elif entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False):
            yield from _stat(entry)


def _stat(file: Path | os.DirEntry[str]) -> Iterator[tuple[str, os.stat_result]]:
    with suppress(OSError):
        yield os.fspath(file), file.stat(follow_symlinks=False)
