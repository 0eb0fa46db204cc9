"""Tables as every format lays them out: columns, rows and cells of words that are safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from adk_flow._text import one_line

_LONGEST_NAME = 60


class Column(NamedTuple):
    """A column of figures."""

    name: str
    narrow: Literal["", "difference", "share"] = ""
    """What of its differences a narrow table shows, in a column of its own."""
    is_detail: bool = False
    """Whether a narrow table leaves it out."""
    legend: str = ""
    """What its figures mean."""


class Cell(NamedTuple):
    """A figure as it is written, with what a wide table writes below it."""

    text: str
    difference: str = ""
    """What it is more or less than the baseline's figure."""
    share: str = ""
    """The difference in percent of the baseline's figure."""
    notes: Sequence[str] = ()
    mark: Literal["", "failed", "warning", "change", "received", "leak", "unknown"] = ""
    hint: str = ""
    """What a sign means here, shown on hovering and read out."""
    links: Sequence[str] = ()
    """Where it is proved, from the report's folder: of the figure, and of each note."""

    @property
    def below(self) -> list[str]:
        """The lines below the figure."""
        share = f" ({self.share})" if self.share else ""
        return [line for line in (f"{self.difference}{share}", *self.notes) if line]


class TableRow(NamedTuple):
    """The cells of a construct, or of whatever the first column names."""

    name: str
    cells: Sequence[Cell]
    is_baseline: bool = False
    span: int = 1
    """Rows that the name stands for; 0 where a row above has it."""


def group_rows(groups: Iterable[tuple[str, Sequence[Sequence[Cell]]]]) -> list[TableRow]:
    """Gives the rows of a group one name."""
    return [
        TableRow(name, row, span=0 if number else len(rows))
        for name, rows in groups
        for number, row in enumerate(rows)
    ]


class Table(NamedTuple):
    """Rows below the names of their columns."""

    first: str
    """Name of the column of names."""
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    is_prose: bool = False
    """Whether cells are words, and no figures."""
    notes: Sequence[str] = ()
    """What signs in it mean."""
    baseline: str = ""
    """What figures are compared with; empty where there is nothing to compare."""

    @property
    def legend(self) -> list[str]:
        """What its columns and signs mean."""
        words = [f"{column.name}: {column.legend}" for column in self.columns if column.legend]
        if self.baseline:
            words.append(f"+, −, ±: more or less than {self.baseline}, the baseline")
        return [*words, *self.notes]

    @property
    def lines(self) -> list[list[str]]:
        """The words of its cells: a line of names, then a line a row."""
        header = [self.first, *(column.name for column in self.columns)]
        return [header, *([row.name, *(cell.text for cell in row.cells)] for row in self.rows)]


def word_table(names: Sequence[str], rows: Iterable[Sequence[str]], *notes: str) -> Table:
    """Makes a table of words: the names of its columns, and in each row as many words."""
    cells = [TableRow(name, list(map(Cell, words))) for name, *words in rows]
    return Table(names[0], list(map(Column, names[1:])), cells, is_prose=True, notes=notes)


class Section(NamedTuple):
    """A part of what is said, under its title."""

    title: str
    table: Table | None = None
    sentences: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing below the title."""
        return self.table is None and not self.sentences


def table_section(title: str, table: Table) -> Section:
    """Shows a table under a title, or says that it has no rows."""
    return Section(title, table) if table.rows else Section(title, sentences=["None."])


def flatten_table(table: Table) -> Table:
    """Leaves out details, and puts differences into columns of their own behind the others.

    So a terminal and Markdown show it.
    """
    places = list(enumerate(table.columns))
    shown = [place for place, column in places if not column.is_detail]
    differing = {
        place: column
        for place, column in places
        if column.narrow and any(row.cells[place].difference for row in table.rows)
    }
    columns = [table.columns[place] for place in shown]
    columns += [Column(f"{column.name} ±") for column in differing.values()]
    rows = []
    for row in table.rows:
        known = (getattr(row.cells[n], column.narrow) or "–" for n, column in differing.items())
        rows.append(row._replace(cells=[*(row.cells[n] for n in shown), *map(Cell, known)]))
    return table._replace(columns=columns, rows=rows, baseline=table.baseline if differing else "")


def short_name(name: str) -> str:
    """Writes a name that may come from anywhere."""
    return one_line(name, _LONGEST_NAME) or "(no name)"
