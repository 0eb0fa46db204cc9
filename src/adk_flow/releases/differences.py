"""What is not the same under all ADK releases, each difference named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

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
    """The firings of releases beside each other."""

    fired: Mapping[str, list[HookCall]]
    """By release, in their order."""
    rows: Sequence[HookRow]
    heard: Mapping[str, frozenset[str]]
    """The hooks that fire under each release."""
    hooks: Mapping[str, list[str]]
    """The hooks that each release has."""
    root: str = ""
    """Class of the root agent."""

    def is_silent(self, hook: str, release: str) -> bool:
        """Whether a hook that fires elsewhere never does under a release."""
        return hook not in self.heard[release]

    def lacks(self, row: HookRow) -> bool:
        """Whether a firing is missing in a release under which its hook does fire."""
        missing = (release for release in self.fired if release not in row.releases)
        return any(not self.is_silent(row.firing.hook, release) for release in missing)


def find_differences(laid: HookTable) -> list[ReleaseDifference]:
    """Names every difference, those of who is told that an agent ended first."""
    told: list[ReleaseDifference] = []
    alike: dict[HookCall, list[HookRow]] = defaultdict(list)
    for is_uneven, block in groupby(laid.rows, laid.lacks):
        if is_uneven:
            rows = list(block)
            renamed = list(_renamed(rows))
            told += [_other(laid, rows) for rows in renamed]
            for row in rows:
                if not any(row is one for pair in renamed for one in pair):
                    alike[row.firing].append(row)
    told += [one for group in alike.values() for one in _missing_or_moved(laid, group)]
    found = [*_joined(told), *_of_hooks(laid)]
    return sorted(found, key=lambda one: "after_agent" not in one.statement)


def _renamed(block: Sequence[HookRow]) -> Iterator[list[HookRow]]:
    """Finds rows that stand for one firing of a hook, of which releases tell something else."""
    left = list(block)
    while left:
        group = [left.pop(0)]
        for row in list(left):
            is_disjoint = not any(row.releases & one.releases for one in group)
            names = {_other_name(one.firing, row.firing) for one in group}
            if is_disjoint and names in ({"agent"}, {"about"}):
                group.append(row)
        if len(group) > 1:
            left = [row for row in left if not any(row is one for one in group)]
            yield group


def _other_name(one: HookCall, other: HookCall) -> str:
    """Names the one field in which two firings of a hook differ; empty if it is not one."""
    if (one.turn, one.hook) != (other.turn, other.hook):
        return ""
    differing = [name for name in ("agent", "about") if getattr(one, name) != getattr(other, name)]
    return differing[0] if len(differing) == 1 else ""


def _other(laid: HookTable, rows: Sequence[HookRow]) -> ReleaseDifference:
    """Names a firing of which releases tell something else."""
    one, name = rows[0].firing, _other_name(rows[0].firing, rows[1].firing)
    statement = f"{one.hook} is told of" if name == "agent" else f"{one.hook} of {one.agent} is"
    values = {
        release: getattr(row.firing, name) or "nothing more"
        for row in rows
        for release in row.releases
    }
    return ReleaseDifference(statement, "", [one.turn], _ordered(laid, values))


def _missing_or_moved(laid: HookTable, group: Sequence[HookRow]) -> Iterator[ReleaseDifference]:
    """Names a firing that some releases lack, or have more often, or elsewhere."""
    firing = group[0].firing
    tally = {
        release: fired.count(firing)
        for release, fired in laid.fired.items()
        if not laid.is_silent(firing.hook, release)
    }
    if len(set(tally.values())) > 1:
        is_plain = set(tally.values()) == {0, max(tally.values())}
        values = {
            release: (YES if count else NO) if is_plain else format_times(count)
            for release, count in tally.items()
        }
        gets, not_gets = _statements(laid, firing)
        yield ReleaseDifference(gets, not_gets, [firing.turn], values)
        return
    values = {release: _before(row, laid, release) for row in group for release in row.releases}
    if len(set(values.values())) > 1:
        statement = f"{firing.words} comes right after"
        yield ReleaseDifference(statement, "", [firing.turn], _ordered(laid, values))


def _statements(laid: HookTable, firing: HookCall) -> tuple[str, str]:
    about = f" ({firing.about})" if firing.about else ""
    when, root = "", ""
    if firing.hook == "after_agent" and _transfers_away(firing, laid.rows):
        when = " after it transfers away"
        root = f"under {_article(laid.root)} root, " if laid.root else ""
    who = firing.agent or "nobody"
    what = f"{firing.hook}{about}{when}"
    return f"{root}{who} gets {what}", f"{root}{who} gets no {what}"


def _article(name: str) -> str:
    # An L is read "el": an LlmAgent, but a LoopAgent.
    return f"an {name}" if name.startswith(("A", "E", "I", "O", "Llm")) else f"a {name}"


def _before(row: HookRow, laid: HookTable, release: str) -> str:
    """Names what fires last before a row in a release."""
    at = next(number for number, one in enumerate(laid.rows) if one is row)
    earlier = (one.firing for one in reversed(laid.rows[:at]) if release in one.releases)
    return next((firing.words for firing in earlier), "nothing")


def _transfers_away(firing: HookCall, rows: Sequence[HookRow]) -> bool:
    return any(
        row.firing.hook == "event"
        and (row.firing.turn, row.firing.agent) == (firing.turn, firing.agent)
        and "hands over to" in row.firing.about
        for row in rows
    )


def _ordered(laid: HookTable, values: Mapping[str, str]) -> dict[str, str]:
    return {release: values[release] for release in laid.fired if release in values}


def _joined(told: Iterable[ReleaseDifference]) -> Iterator[ReleaseDifference]:
    """Joins what is told alike of several turns."""
    turns: dict[str, list[int]] = {}
    firsts: dict[str, ReleaseDifference] = {}
    for one in told:
        key = repr((one.statement, one.values))
        firsts.setdefault(key, one)
        turns[key] = sorted({*turns.get(key, []), *one.turns})
    for key, one in firsts.items():
        yield msgspec.structs.replace(one, turns=turns[key])


def _of_hooks(laid: HookTable) -> Iterator[ReleaseDifference]:
    """Names hooks that never fire though they do elsewhere, and those that a release has not."""
    for hook in count_hooks(laid.fired):
        values = {one: NO if laid.is_silent(hook, one) else YES for one in laid.fired}
        if NO in values.values():
            yield ReleaseDifference(f"{hook} fires", f"{hook} never fires", [], values)
    had: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for hook in sorted({hook for hooks in laid.hooks.values() for hook in hooks}):
        had[tuple(one for one in laid.fired if hook in laid.hooks[one])].append(hook)
    for those, hooks in had.items():
        values = {one: YES if one in those else NO for one in laid.fired}
        if NO in values.values():
            told = f"{'hook' if len(hooks) == 1 else 'hooks'} {', '.join(hooks)}"
            yield ReleaseDifference(
                f"plugins have the {told}", f"plugins have no {told}", [], values
            )
