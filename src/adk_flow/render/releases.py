"""Releases of ADK side by side, for the terminal, as Markdown and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adk_flow._text import join_names, one_line
from adk_flow.releases.alignment import Alignment, span
from adk_flow.releases.differences import NO, YES, Difference
from adk_flow.releases.hook_trace import Row, counts
from adk_flow.render.comparison_markdown import escaped

_FIRES, _MISSING, _UNKNOWN = "•", "", "–"
_LONGEST = 1000
LEGEND = f"A number is how often a hook fires; {_UNKNOWN}: the release has no such hook."


DIFFERENCE_LEGEND = (
    f"A cell says whether it holds, or what is told; {_UNKNOWN}: the hook never fires there."
)


def show_versions(beside: Alignment, console: Console) -> None:
    """Prints differences, hooks and their order, releases that do not differ in one column."""
    console.print(Text(one_line(_title(beside), _LONGEST), style="bold"))
    _show_sentences("Differences", list(sentences(beside)) or ["none"], console)
    columns = _columns(beside)
    if not columns:
        return
    _show_figures(beside, console)
    console.print(Text("\nHooks", style="bold"))
    table = _table(columns, "hook")
    for hook, tally in _hooks(beside).items():
        table.add_row(hook, *(_count(tally[group[0]]) for group in columns))
    console.print(table)
    console.print(Text(LEGEND, style="dim"))
    for turn, rows in groupby(beside.laid.rows, lambda row: row.firing.turn):
        console.print(Text(f"\nTurn {turn}: what fires, in order", style="bold"))
        console.print(_order(list(rows), columns))


def _title(beside: Alignment) -> str:
    held = next((one.outcome for one in beside.ran if not one.outcome.error), None)
    who = f", root {held.root} ({held.kind}), model {held.model}" if held else ""
    turns = f"{beside.turns} turn{'' if beside.turns == 1 else 's'}"
    return f"{beside.app}{who}, {turns}"


def sentences(beside: Alignment) -> Iterator[str]:
    """Says what is not the same under all releases, and what went wrong."""
    yield from (one_line(one, _LONGEST) for one in _wrong(beside))
    releases = list(beside.laid.fired)
    for difference in beside.differences:
        yield from (one_line(one, _LONGEST) for one in _told(difference, releases))


def _told(difference: Difference, releases: Sequence[str]) -> Iterator[str]:
    base = next(iter(difference.values.values()))
    for value in dict.fromkeys(difference.values.values()):
        if value != base:
            some = [one for one, other in difference.values.items() if other == value]
            what = difference.denial if value == NO else difference.statement
            other = f" “{value}”, not “{base}”" if value not in (YES, NO) else ""
            yield f"{span(some, releases)}: {what}{other}{_turns(difference)}"


def _turns(difference: Difference) -> str:
    if not difference.turns:
        return ""
    many = "s" if len(difference.turns) > 1 else ""
    return f" (turn{many} {join_names(map(str, difference.turns))})"


def _show_sentences(title: str, told: Sequence[str], console: Console) -> None:
    console.print(Text(f"\n{title}", style="bold"))
    table = Table.grid(padding=(0, 1))
    for sentence in told:
        table.add_row("*", Text(sentence))
    console.print(table)


def _show_figures(beside: Alignment, console: Console) -> None:
    """Prints what the conversation took, releases under which it took the same in one column."""
    groups: dict[str, list[str]] = {}
    for release in beside.laid.fired:
        taken = [by_release[release] for by_release in beside.figures.values()]
        groups.setdefault(repr(taken), []).append(release)
    console.print(Text("\nFigures", style="bold"))
    table = _table(list(groups.values()), "")
    for name, by_release in beside.figures.items():
        table.add_row(name, *(f"{by_release[group[0]]:,}" for group in groups.values()))
    console.print(table)


def _columns(beside: Alignment) -> list[list[str]]:
    """Groups the releases whose logs and hooks are the same."""
    groups: dict[str, list[str]] = {}
    for release, fired in beside.laid.fired.items():
        groups.setdefault(repr((fired, beside.laid.hooks[release])), []).append(release)
    return list(groups.values())


def _table(columns: Sequence[Sequence[str]], title: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column(title, overflow="fold")
    for group in columns:
        table.add_column("\n".join(group), justify="center", no_wrap=True)
    return table


def _order(rows: Sequence[Row], columns: Sequence[Sequence[str]]) -> Table:
    table = _table(columns, "")
    for row in rows:
        marks = [_FIRES if group[0] in row.releases else _MISSING for group in columns]
        table.add_row(Text(one_line(row.firing.words, _LONGEST)), *marks)
    return table


def _hooks(beside: Alignment) -> dict[str, dict[str, int | None]]:
    """Counts firings by hook and release, hooks that never fire last; None for no such hook."""
    laid = beside.laid
    tallies = counts(laid.fired)
    known = {hook for hooks in laid.hooks.values() for hook in hooks}
    for hook in sorted(known - set(tallies)):
        tallies[hook] = dict.fromkeys(laid.fired, 0)
    return {
        hook: {one: count if hook in laid.hooks[one] else None for one, count in tally.items()}
        for hook, tally in tallies.items()
    }


def _count(count: int | None) -> str:
    return _UNKNOWN if count is None else str(count)


def as_markdown(beside: Alignment, command: str) -> str:
    """Writes a page: the command, differences release by release, hooks, order."""
    releases = list(beside.laid.fired)
    wrong = [f"- {escaped(one)}" for one in _wrong(beside)]
    hooks = _hooks(beside).items()
    blocks = [
        "# ADK releases side by side",
        f"{escaped(_title(beside))}. Made by:",
        f"```sh\n{one_line(command, _LONGEST)}\n```",
        *(["\n".join(wrong)] if wrong else []),
        "## What is not the same",
        _grid(["", "turn", *releases], _differing(beside)) if beside.differences else "Nothing.",
        *([DIFFERENCE_LEGEND] if beside.differences else []),
        "## What it takes",
        _grid(["", *releases], _taken(beside)),
        "## Which hooks fire, and how often",
        _grid(["hook", *releases], ((f"`{hook}`", *map(_count, t.values())) for hook, t in hooks)),
        LEGEND,
        "## In which order",
    ]
    for turn, rows in groupby(beside.laid.rows, lambda row: row.firing.turn):
        blocks.append(_grid([f"turn {turn}", *releases], (_marks(row, releases) for row in rows)))
    return "\n\n".join(blocks) + "\n"


def _taken(beside: Alignment) -> Iterator[Sequence[str]]:
    for name, by_release in beside.figures.items():
        yield name, *(f"{count:,}" for count in by_release.values())


def _wrong(beside: Alignment) -> Iterator[str]:
    yield from (f"{release}: cannot hold it: {cause}" for release, cause in beside.failed.items())
    releases = list(beside.laid.fired)
    yield from (f"{span(some, releases)}: {note}" for note, some in beside.notes.items())


def _differing(beside: Alignment) -> Iterator[Sequence[str]]:
    for one in beside.differences:
        values = [one.values.get(release, _UNKNOWN) for release in beside.laid.fired]
        turns = ", ".join(map(str, one.turns))
        yield tuple(escaped(cell) for cell in (one.statement, turns, *values))


def _marks(row: Row, releases: Sequence[str]) -> Sequence[str]:
    marks = [_FIRES if one in row.releases else _MISSING for one in releases]
    return (escaped(row.firing.words), *marks)


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, (":--", *(":-:" for _ in header[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_versions_data(beside: Alignment) -> dict[str, Any]:
    """Gives differences, hooks and firings by release, for JSON."""
    return {
        "app": beside.app,
        "releases": list(beside.laid.fired),
        "failed": beside.failed,
        "notes": beside.notes,
        "differences": msgspec.to_builtins(beside.differences),
        "sentences": list(sentences(beside)),
        "figures": beside.figures,
        "hooks": _hooks(beside),
        "fired": msgspec.to_builtins(dict(beside.laid.fired)),
    }
