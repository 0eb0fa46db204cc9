"""What is not the same under all ADK releases, each difference named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

import msgspec

from adk_flow._data import group_by
from adk_flow._text import format_times
from adk_flow.releases.hook_trace import HookCall, HookRow, count_hooks

YES, NO = "yes", "no"


class ReleaseDifference(msgspec.Struct, frozen=True):
    """Something that holds of some releases and not of others, or not alike."""

    statement: str
    """What holds where the value is `yes`; else the value completes it."""
    denial: str
    """What to say where the value is `no`."""
    turns: list[int]
    """Empty where it holds of the release."""
    values: dict[str, str]
    """By release: `yes`, `no`, or what completes the statement."""


class HookTable(NamedTuple):
    """The hook calls of releases side by side."""

    calls: Mapping[str, list[HookCall]]
    """By release, in their order."""
    rows: Sequence[HookRow]
    hooks: Mapping[str, list[str]]
    """The hooks that each release has."""
    root: str = ""
    """Class of the root agent."""

    def hears(self, hook: str) -> list[str]:
        """Names the releases in which a hook ever fires."""
        calls = self.calls.items()
        return [release for release, fired in calls if any(hook == call.hook for call in fired)]

    def is_uneven(self, row: HookRow) -> bool:
        """Whether a call is missing in a release in which its hook does fire."""
        return not row.releases.issuperset(self.hears(row.call.hook))


def find_differences(table: HookTable) -> list[ReleaseDifference]:
    """Names every difference, those of who is told that an agent ended first."""
    differences: list[ReleaseDifference] = []
    left: list[HookRow] = []
    for is_uneven, block in groupby(table.rows, table.is_uneven):
        rows = list(block) if is_uneven else []
        renamed = list(_renamed(rows))
        differences += [_other(table, group) for group in renamed]
        paired = {id(row) for group in renamed for row in group}
        left += [row for row in rows if id(row) not in paired]
    for group in group_by(left, lambda row: row.call).values():
        differences += _missing_or_moved(table, group)
    named = [*_joined(differences), *_of_hooks(table)]
    return sorted(named, key=lambda difference: "after_agent" not in difference.statement)


def _renamed(block: Sequence[HookRow]) -> Iterator[list[HookRow]]:
    """Finds rows that stand for one call of a hook, of which releases tell something else."""
    left = list(block)
    while left:
        group, others = [left.pop(0)], []
        for row in left:
            is_disjoint = not any(row.releases & known.releases for known in group)
            names = {_other_name(known.call, row.call) for known in group}
            is_same = is_disjoint and names in ({"agent"}, {"about"})
            (group if is_same else others).append(row)
        if len(group) > 1:
            left = others
            yield group


def _other_name(call: HookCall, other: HookCall) -> str:
    """Names the one field in which two calls of a hook differ; empty if it is not one."""
    if (call.turn, call.hook) != (other.turn, other.hook):
        return ""
    names = [name for name in ("agent", "about") if getattr(call, name) != getattr(other, name)]
    return names[0] if len(names) == 1 else ""


def _other(table: HookTable, rows: Sequence[HookRow]) -> ReleaseDifference:
    """Names a call of which releases tell something else."""
    call, name = rows[0].call, _other_name(rows[0].call, rows[1].call)
    statement = f"{call.hook} is told of" if name == "agent" else f"{call.hook} of {call.agent} is"
    pairs = [(release, getattr(row.call, name)) for row in rows for release in row.releases]
    values = {release: words or "nothing more" for release, words in pairs}
    return ReleaseDifference(statement, "", [call.turn], _ordered(table, values))


def _missing_or_moved(table: HookTable, group: Sequence[HookRow]) -> Iterator[ReleaseDifference]:
    """Names a call that some releases lack, or have more often, or elsewhere."""
    call = group[0].call
    tally = {release: table.calls[release].count(call) for release in table.hears(call.hook)}
    if len(set(tally.values())) > 1:
        is_plain = set(tally.values()) == {0, max(tally.values())}
        values = {
            release: (YES if count else NO) if is_plain else format_times(count)
            for release, count in tally.items()
        }
        yield ReleaseDifference(*_statements(table, call), [call.turn], values)
        return
    values: dict[str, str] = {}
    for row in group:
        earlier = list(takewhile(lambda other, row=row: other is not row, table.rows))
        for release in row.releases:
            calls = (other.call for other in reversed(earlier) if release in other.releases)
            values[release] = next((call.words for call in calls), "nothing")
    if len(set(values.values())) > 1:
        statement = f"{call.words} comes right after"
        yield ReleaseDifference(statement, "", [call.turn], _ordered(table, values))


def _statements(table: HookTable, call: HookCall) -> tuple[str, str]:
    about = f" ({call.about})" if call.about else ""
    when, root, place = "", "", (call.turn, call.agent)
    events = [row.call for row in table.rows if row.call.hook == "event"]
    moving = {(event.turn, event.agent) for event in events if "hands over to" in event.about}
    if call.hook == "after_agent" and place in moving:
        when = " after it transfers away"
        # An L is read "el": an LlmAgent, but a LoopAgent.
        article = "an" if table.root.startswith(("A", "E", "I", "O", "Llm")) else "a"
        root = f"under {article} {table.root} root, " if table.root else ""
    who, what = call.agent or "nobody", f"{call.hook}{about}{when}"
    return f"{root}{who} gets {what}", f"{root}{who} gets no {what}"


def _ordered(table: HookTable, values: Mapping[str, str]) -> dict[str, str]:
    return {release: values[release] for release in table.calls if release in values}


def _joined(differences: Iterable[ReleaseDifference]) -> Iterator[ReleaseDifference]:
    """Joins what is alike in several turns."""
    for group in group_by(differences, lambda each: repr((each.statement, each.values))).values():
        turns = {turn for difference in group for turn in difference.turns}
        yield msgspec.structs.replace(group[0], turns=sorted(turns))


def _of_hooks(table: HookTable) -> Iterator[ReleaseDifference]:
    """Names hooks that never fire though they do elsewhere, and those that a release has not."""
    for hook in count_hooks(table.calls):
        yield from _partly(table, table.hears(hook), f"{hook} fires", f"{hook} never fires")

    def having(hook: str) -> tuple[str, ...]:
        return tuple(release for release in table.calls if hook in table.hooks[release])

    known = sorted({hook for hooks in table.hooks.values() for hook in hooks})
    for releases, hooks in group_by(known, having).items():
        names = f"{'hook' if len(hooks) == 1 else 'hooks'} {', '.join(hooks)}"
        has, has_not = f"plugins have the {names}", f"plugins have no {names}"
        yield from _partly(table, releases, has, has_not)


def _partly(
    table: HookTable, releases: Collection[str], statement: str, denial: str
) -> Iterator[ReleaseDifference]:
    """Names what holds of some releases only."""
    values = {release: YES if release in releases else NO for release in table.calls}
    if NO in values.values():
        yield ReleaseDifference(statement, denial, [], values)
