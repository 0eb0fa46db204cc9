"""The firings of hooks that a flow log shows, and those of several logs laid beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher

import msgspec

from adk_flow.log.schema import Record

LONG = 1500
"""Firings beyond which the same ones are told apart: agents that pass on and on would take
minutes to be laid beside each other."""


class HookCall(msgspec.Struct, frozen=True):
    """A hook that fired: for whom, and about what."""

    turn: int
    hook: str
    agent: str = ""
    about: str = ""
    """The tool, or what an event does."""

    @property
    def words(self) -> str:
        """The firing on one line."""
        named = " ".join(filter(None, (self.hook, self.agent)))
        return f"{named}: {self.about}" if self.about else named


class Row(msgspec.Struct):
    """A firing in its place among all, and the releases in which it fires there."""

    firing: HookCall
    releases: set[str]


def read_hook_calls(records: Iterable[Record]) -> list[HookCall]:
    """Reads what fired, in order; a user's message begins a turn."""
    turn, fired = 0, []
    for record in records:
        turn += record.hook == "user_message" and not record.parent
        about = _event(record) if record.hook == "event" else record.tool
        fired.append(HookCall(turn, record.hook, record.agent, about))
    return fired


def _event(record: Record) -> str:
    """Says what an event does."""
    told = [
        f"hands over to {record.transfer}" if record.transfer else "",
        f"calls {', '.join(call.name for call in record.calls)}" if record.calls else "",
        "brings results" if record.responses and not record.transfer else "",
        "partial" if record.partial else "",
        "waits" if record.pending else "",
        "final" if record.final else "",
        f"writes {', '.join(sorted(record.state))}" if record.state else "",
        f"saves {', '.join(sorted(record.artifacts))}" if record.artifacts else "",
        "error" if record.error else "",
    ]
    return ", ".join(filter(None, told))


def laid_out(fired: Mapping[str, list[HookCall]]) -> list[Row]:
    """Lays the firings of releases beside each other, the same ones in one row where they can be.

    Args:
      fired: what fired, by release.
    """
    rows: list[Row] = []
    for release, those in fired.items():
        rows = list(_merged(rows, those, release))
    return rows


def _merged(rows: list[Row], fired: list[HookCall], release: str) -> Iterator[Row]:
    known = [row.firing for row in rows]
    keys = [_numbered(known), _numbered(fired)] if len(known) > LONG else [known, fired]
    for kind, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        for row in rows[i:j]:
            if kind == "equal":
                row.releases.add(release)
            yield row
        if kind != "equal":
            yield from (Row(firing, {release}) for firing in fired[k:m])


def _numbered(fired: Iterable[HookCall]) -> list[tuple[HookCall, int]]:
    """Tells the same firings apart by how many came before."""
    seen: Counter[HookCall] = Counter()
    numbered = []
    for firing in fired:
        seen[firing] += 1
        numbered.append((firing, seen[firing]))
    return numbered


def counts(fired: Mapping[str, list[HookCall]]) -> dict[str, dict[str, int]]:
    """Counts how often each hook fires, by hook and release, in the order of first firing."""
    hooks = dict.fromkeys(one.hook for those in fired.values() for one in those)
    tallies = {release: Counter(one.hook for one in those) for release, those in fired.items()}
    return {hook: {release: tally[hook] for release, tally in tallies.items()} for hook in hooks}
