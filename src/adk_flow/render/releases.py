"""ADK releases compared, for the terminal, as Markdown and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from adk_flow._text import join_names, one_line, plural
from adk_flow.releases.alignment import Alignment, name_releases
from adk_flow.releases.differences import NO, YES, ReleaseDifference
from adk_flow.releases.hook_trace import count_hooks
from adk_flow.render.markdown import escape_markdown, markdown_list, markdown_section
from adk_flow.render.tables import Cell, Column, Row, Section, Table
from adk_flow.render.terminal import print_remark, print_sentences, print_title

_FIRES, _UNKNOWN = "•", "–"
_LONGEST = 1000
_HOOKS_LEGEND = f"A number is how often a hook fires; {_UNKNOWN}: the release has no such hook."
_DIFFERENCES_LEGEND = (
    f"A cell says whether it is so, or completes the sentence; {_UNKNOWN}: the hook never fires "
    "there."
)


def _tables(beside: Alignment) -> Iterator[Section]:
    """Gives figures, hooks and their order; nothing if no release could run the conversation."""
    releases = list(beside.laid.fired)
    if not releases:
        return
    figures = [
        _row(name, [f"{counts[release]:,}" for release in releases])
        for name, counts in beside.figures.items()
    ]
    yield Section("Figures", _table("", releases, figures))
    hooks = [
        _row(hook, [_count(counts[release]) for release in releases])
        for hook, counts in _hooks(beside).items()
    ]
    yield Section("Hooks", _table("hook", releases, hooks, _HOOKS_LEGEND))
    for turn, rows in groupby(beside.laid.rows, lambda row: row.firing.turn):
        order = [
            _row(row.firing.words, [_FIRES * (release in row.releases) for release in releases])
            for row in rows
        ]
        yield Section(f"Turn {turn}: hooks in order", _table("", releases, order))


def _row(name: str, cells: Sequence[str]) -> Row:
    return Row(one_line(name, _LONGEST), [Cell(cell) for cell in cells])


def _table(first: str, columns: Sequence[str], rows: list[Row], *notes: str) -> Table:
    return Table(first, [Column(column) for column in columns], rows, notes=notes)


def print_releases(beside: Alignment, console: Console) -> None:
    """Prints differences and tables, releases that do not differ in one column."""
    console.print(Text(one_line(_title(beside), _LONGEST), style="bold"))
    print_title("Differences", console)
    print_sentences(list(describe_differences(beside)) or ["none"], console)
    for section in _tables(beside):
        if section.table:
            print_title(section.title, console)
            console.print(_lay_out(section.table))
            for note in section.table.notes:
                print_remark(note, console)


def _lay_out(table: Table) -> RichTable:
    groups: dict[tuple[str, ...], list[str]] = {}
    for place, column in enumerate(table.columns):
        cells = tuple(row.cells[place].text for row in table.rows)
        groups.setdefault(cells, []).append(column.name)
    rich = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    rich.add_column(table.first, overflow="fold")
    for group in groups.values():
        rich.add_column("\n".join(group), justify="center", no_wrap=True)
    for number, row in enumerate(table.rows):
        rich.add_row(Text(row.name), *(cells[number] for cells in groups))
    return rich


def _title(beside: Alignment) -> str:
    held = next((one.outcome for one in beside.ran if not one.outcome.error), None)
    who = f", root {held.root} ({held.kind}), model {held.model}" if held else ""
    return f"{beside.app}{who}, {plural(beside.turns, 'turn')}"


def describe_differences(beside: Alignment) -> Iterator[str]:
    """Says what is not the same under all releases, and what went wrong."""
    yield from (one_line(one, _LONGEST) for one in _wrong(beside))
    releases = list(beside.laid.fired)
    for difference in beside.differences:
        yield from (one_line(one, _LONGEST) for one in _told(difference, releases))


def _told(difference: ReleaseDifference, releases: Sequence[str]) -> Iterator[str]:
    base = next(iter(difference.values.values()))
    for value in dict.fromkeys(difference.values.values()):
        if value != base:
            some = [one for one, other in difference.values.items() if other == value]
            what = difference.denial if value == NO else difference.statement
            other = f" “{value}”, not “{base}”" if value not in (YES, NO) else ""
            yield f"{name_releases(some, releases)}: {what}{other}{_turns(difference)}"


def _turns(difference: ReleaseDifference) -> str:
    if not difference.turns:
        return ""
    many = "s" if len(difference.turns) > 1 else ""
    return f" (turn{many} {join_names(map(str, difference.turns))})"


def _hooks(beside: Alignment) -> dict[str, dict[str, int | None]]:
    """Counts firings by hook and release, hooks that never fire last; None for no such hook."""
    laid = beside.laid
    tallies = count_hooks(laid.fired)
    known = {hook for hooks in laid.hooks.values() for hook in hooks}
    for hook in sorted(known - set(tallies)):
        tallies[hook] = dict.fromkeys(laid.fired, 0)
    return {
        hook: {one: count if hook in laid.hooks[one] else None for one, count in tally.items()}
        for hook, tally in tallies.items()
    }


def _count(count: int | None) -> str:
    return _UNKNOWN if count is None else str(count)


def releases_to_markdown(beside: Alignment, command: str) -> str:
    """Writes a page: the command, differences release by release, and tables."""
    wrong = list(_wrong(beside))
    differences = _differences_table(beside) if beside.differences else None
    sections = [
        Section("Differences", differences, () if differences else ["None."]),
        *_tables(beside),
    ]
    blocks = [
        "# ADK releases compared",
        f"{escape_markdown(_title(beside))}. Made by:",
        f"```sh\n{one_line(command, _LONGEST)}\n```",
        *([markdown_list(wrong)] if wrong else []),
        *(markdown_section(section, align=":-:") for section in sections),
    ]
    return "\n\n".join(blocks) + "\n"


def _differences_table(beside: Alignment) -> Table:
    releases = list(beside.laid.fired)
    rows = [
        _row(
            one.statement,
            [
                ", ".join(map(str, one.turns)),
                *(one.values.get(release, _UNKNOWN) for release in releases),
            ],
        )
        for one in beside.differences
    ]
    return _table("", ["turn", *releases], rows, _DIFFERENCES_LEGEND)


def _wrong(beside: Alignment) -> Iterator[str]:
    yield from (f"{release}: could not run: {cause}" for release, cause in beside.failed.items())
    releases = list(beside.laid.fired)
    yield from (f"{name_releases(some, releases)}: {note}" for note, some in beside.notes.items())


def releases_to_data(beside: Alignment) -> dict[str, Any]:
    """Gives differences, hooks and firings by release, for JSON."""
    return {
        "app": beside.app,
        "releases": list(beside.laid.fired),
        "failed": beside.failed,
        "notes": beside.notes,
        "differences": msgspec.to_builtins(beside.differences),
        "sentences": list(describe_differences(beside)),
        "figures": beside.figures,
        "hooks": _hooks(beside),
        "fired": msgspec.to_builtins(dict(beside.laid.fired)),
    }
