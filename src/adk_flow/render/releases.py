"""ADK releases compared, for the terminal, as Markdown and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from rich.console import Console

from adk_flow._data import group_by
from adk_flow._text import join_names, one_line, plural
from adk_flow.releases.alignment import Alignment, name_releases
from adk_flow.releases.differences import NO, YES, ReleaseDifference
from adk_flow.releases.hook_trace import count_hooks
from adk_flow.render.grid_text import print_section
from adk_flow.render.markdown import escape_markdown, markdown_list, markdown_section
from adk_flow.render.tables import Column, Section, Table, table_section, word_table
from adk_flow.render.terminal import print_words

_UNKNOWN = "–"
_LONGEST = 1000
_HOOKS_LEGEND = f"A number is how often a hook fires; {_UNKNOWN}: the release has no such hook."
_DIFFERENCES_LEGEND = (
    f"A cell says whether it is so, or completes the sentence; {_UNKNOWN}: the hook never fires "
    "there."
)


def _tables(alignment: Alignment) -> Iterator[Section]:
    """Gives figures, hooks and their order; nothing if no release could run the conversation."""
    releases = list(alignment.table.calls)
    if not releases:
        return
    figures = alignment.figures.items()
    counted = [(name, *(f"{counts[each]:,}" for each in releases)) for name, counts in figures]
    yield Section("Figures", _table(["", *releases], counted))
    hooks = [
        (hook, *(_UNKNOWN if (n := counts[release]) is None else str(n) for release in releases))
        for hook, counts in _hooks(alignment).items()
    ]
    yield Section("Hooks", _table(["hook", *releases], hooks, _HOOKS_LEGEND))
    for turn, rows in groupby(alignment.table.rows, lambda row: row.call.turn):
        order = [
            (row.call.words, *("•" * (release in row.releases) for release in releases))
            for row in rows
        ]
        yield Section(f"Turn {turn}: hooks in order", _table(["", *releases], order))


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], *notes: str) -> Table:
    safe = [(one_line(name, _LONGEST), *cells) for name, *cells in rows]
    return word_table(names, safe, *notes)._replace(is_prose=False)


def print_releases(alignment: Alignment, console: Console) -> None:
    """Prints differences and tables, releases that do not differ in one column."""
    print_words(one_line(_title(alignment), _LONGEST), console, style="bold")
    differences = list(describe_differences(alignment)) or ["none"]
    print_section(Section("Differences", sentences=differences), console)
    for section in _tables(alignment):
        table = section.table and _with_like_columns_as_one(section.table)
        print_section(section._replace(table=table), console)


def _with_like_columns_as_one(table: Table) -> Table:
    places, names = range(len(table.columns)), [column.name for column in table.columns]
    groups = group_by(places, lambda place: tuple(row.cells[place].text for row in table.rows))
    alike = [[names[place] for place in group] for group in groups.values()]
    columns = [Column(name_releases(some, names)) for some in alike]
    kept = [group[0] for group in groups.values()]
    rows = [row._replace(cells=[row.cells[place] for place in kept]) for row in table.rows]
    return table._replace(columns=columns, rows=rows)


def _title(alignment: Alignment) -> str:
    outcome = next((run.outcome for run in alignment.runs if not run.outcome.error), None)
    who = f", root {outcome.root} ({outcome.kind}), model {outcome.model}" if outcome else ""
    return f"{alignment.app}{who}, {plural(alignment.turns, 'turn')}"


def describe_differences(alignment: Alignment) -> Iterator[str]:
    """Says what is not the same under all releases, and what went wrong."""
    releases = list(alignment.table.calls)
    yield from _wrong(alignment)
    for difference in alignment.differences:
        yield from (one_line(words, _LONGEST) for words in _sentences(difference, releases))


def _wrong(alignment: Alignment) -> Iterator[str]:
    releases = list(alignment.table.calls)
    wrong = [f"{release}: could not run: {why}" for release, why in alignment.failed.items()]
    wrong += [f"{name_releases(some, releases)}: {why}" for why, some in alignment.notes.items()]
    yield from (one_line(words, _LONGEST) for words in wrong)


def _sentences(difference: ReleaseDifference, releases: Sequence[str]) -> Iterator[str]:
    values, turns = difference.values, difference.turns
    numbers = join_names(map(str, turns))
    where = f" (turn{'s' if len(turns) > 1 else ''} {numbers})" if turns else ""
    base, *others = group_by(values, values.__getitem__).items()
    for value, some in others:
        what = difference.denial if value == NO else difference.statement
        other = f" “{value}”, not “{base[0]}”" if value not in (YES, NO) else ""
        yield f"{name_releases(some, releases)}: {what}{other}{where}"


def _hooks(alignment: Alignment) -> dict[str, dict[str, int | None]]:
    """Counts firings by hook and release, hooks that never fire last; None for no such hook."""
    table = alignment.table
    tallies = count_hooks(table.calls)
    for hook in sorted({hook for hooks in table.hooks.values() for hook in hooks} - {*tallies}):
        tallies[hook] = dict.fromkeys(table.calls, 0)
    return {
        hook: {name: count if hook in table.hooks[name] else None for name, count in tally.items()}
        for hook, tally in tallies.items()
    }


def releases_to_markdown(alignment: Alignment, command: str) -> str:
    """Writes a page: the command, differences release by release, and tables."""
    wrong = list(_wrong(alignment))
    sections = [table_section("Differences", _differences(alignment)), *_tables(alignment)]
    blocks = [
        "# ADK releases compared",
        f"{escape_markdown(_title(alignment))}. Made by:",
        f"```sh\n{one_line(command, _LONGEST)}\n```",
        *([markdown_list(wrong)] if wrong else []),
        *(markdown_section(section, align=":-:") for section in sections),
    ]
    return "\n\n".join(blocks) + "\n"


def _differences(alignment: Alignment) -> Table:
    releases = list(alignment.table.calls)
    rows = [
        (
            difference.statement,
            ", ".join(map(str, difference.turns)),
            *(difference.values.get(release, _UNKNOWN) for release in releases),
        )
        for difference in alignment.differences
    ]
    return _table(["", "turn", *releases], rows, _DIFFERENCES_LEGEND)


def releases_to_data(alignment: Alignment) -> dict[str, Any]:
    """Gives differences, hooks and firings by release, for JSON."""
    return {
        "app": alignment.app,
        "releases": list(alignment.table.calls),
        "failed": alignment.failed,
        "notes": alignment.notes,
        "differences": msgspec.to_builtins(alignment.differences),
        "sentences": list(describe_differences(alignment)),
        "figures": alignment.figures,
        "hooks": _hooks(alignment),
        "fired": msgspec.to_builtins(dict(alignment.table.calls)),
    }
