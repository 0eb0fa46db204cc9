"""The calls of hooks that a flow log shows, and those of several logs side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import count

import msgspec

from adk_flow.log.schema import Record

LONG = 1500
"""Calls beyond which the same ones are told apart: of agents that pass on and on, aligning them
would take minutes."""


class HookCall(msgspec.Struct, frozen=True):
    """A hook that fired: for whom, and about what."""

    turn: int
    hook: str
    agent: str = ""
    about: str = ""
    """The tool, or what an event does."""

    @property
    def words(self) -> str:
        """The call on one line."""
        named = " ".join(filter(None, (self.hook, self.agent)))
        return f"{named}: {self.about}" if self.about else named


class HookRow(msgspec.Struct):
    """A call in its place among all, and the releases in which it stands there."""

    call: HookCall
    releases: set[str]


def read_hook_calls(records: Iterable[Record]) -> list[HookCall]:
    """Reads what fired, in order; a user's message begins a turn."""
    turn, calls = 0, []
    for record in (each for each in records if not each.hidden):
        turn += record.hook == "user_message" and not record.parent
        about = _event(record) if record.hook == "event" else record.tool
        calls.append(HookCall(turn, record.hook, record.agent, about))
    return calls


def _event(record: Record) -> str:
    """Says what an event does."""
    done = {
        f"hands over to {record.transfer}": record.transfer,
        f"calls {', '.join(call.name for call in record.calls)}": record.calls,
        "brings results": record.responses and not record.transfer,
        "partial": record.partial,
        "waits": record.pending,
        "final": record.final,
        f"writes {', '.join(sorted(record.state))}": record.state,
        f"saves {', '.join(sorted(record.artifacts))}": record.artifacts,
        "error": record.error,
    }
    return ", ".join(words for words, is_so in done.items() if is_so)


def align_calls(calls: Mapping[str, list[HookCall]]) -> list[HookRow]:
    """Lays the calls of releases side by side, the same ones in one row where they can be."""
    rows: list[HookRow] = []
    for release, fired in calls.items():
        rows = list(_merged(rows, fired, release))
    return rows


def _merged(rows: list[HookRow], calls: list[HookCall], release: str) -> Iterator[HookRow]:
    known = [row.call for row in rows]
    keys = [_numbered(known), _numbered(calls)] if len(known) > LONG else [known, calls]
    for kind, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        for row in rows[i:j]:
            if kind == "equal":
                row.releases.add(release)
            yield row
        if kind != "equal":
            yield from (HookRow(call, {release}) for call in calls[k:m])


def _numbered(calls: Iterable[HookCall]) -> list[tuple[HookCall, int]]:
    """Tells the same calls apart by how many came before."""
    seen: defaultdict[HookCall, count[int]] = defaultdict(count)
    return [(call, next(seen[call])) for call in calls]


def count_hooks(calls: Mapping[str, list[HookCall]]) -> dict[str, dict[str, int]]:
    """Counts how often each hook fires, by hook and release, in the order of first firing."""
    tallies = {release: Counter(call.hook for call in fired) for release, fired in calls.items()}
    hooks = dict.fromkeys(call.hook for fired in calls.values() for call in fired)
    return {hook: {release: tally[hook] for release, tally in tallies.items()} for hook in hooks}
