"""Tables written to a folder as CSV, JSON or Parquet, one file a table."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_type_hints

import msgspec

from adk_flow._text import plain
from adk_flow.errors import AdkFlowError
from adk_flow.export.tables import ROWS, Row
from adk_flow.log.private import make_private_folder, write_private

TableFormat = Literal["csv", "parquet", "json"]


def write_tables(
    logs: Iterable[Mapping[str, Sequence[Row]]], folder: Path, form: TableFormat
) -> dict[Path, int]:
    """Writes the rows of several logs into the same tables, in place of what was there.

    Gives the number of rows by the table's file. Where one cannot be written, all stay what they
    were.

    Raises:
      AdkFlowError: the folder cannot be written, or the format lacks its library.
    """
    places, counts = {name: folder / f"{name}.{form}" for name in ROWS}, Counter[str]()
    try:
        make_private_folder(folder)
        if taken := next(filter(Path.is_dir, places.values()), None):
            raise AdkFlowError(f"{taken}: is a folder; expected a table, or nothing")
        # Under other names until all are whole, so that none is ever half there.
        with TemporaryDirectory(prefix=".writing-", dir=folder) as making:
            with ExitStack() as stack:
                made = ((n, _WRITERS[form](Path(making, f"{n}.{form}"), ROWS[n])) for n in ROWS)
                write = {name: stack.enter_context(writer) for name, writer in made}
                for tables in logs:
                    for name, rows in tables.items():
                        write[name](rows)
                        counts[name] += len(rows)
            for place in places.values():
                (Path(making) / place.name).replace(place)
    except OSError as error:
        raise AdkFlowError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return {place: counts[name] for name, place in places.items()}


_Write = Callable[[Sequence[Row]], object]

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet would take for a formula, full-width signs among them."""


def harmless(text: str) -> str:
    """Makes a text one that neither a spreadsheet computes nor a terminal obeys."""
    return f"'{plain(text)}" if _FORMULA.match(text) or _FORMULA.match(plain(text)) else plain(text)


@contextmanager
def _csv(path: Path, row: type[Row]) -> Iterator[_Write]:
    file = os.fdopen(write_private(path), "w", encoding="utf-8", errors="replace", newline="")
    with file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(row.__struct_encode_fields__)
        yield lambda rows: writer.writerows(map(_cells, rows))


def _cells(row: Row) -> Iterator[Any]:
    for value in msgspec.structs.astuple(row):
        if isinstance(value, str):
            yield harmless(value)
        else:
            yield str(value).lower() if isinstance(value, bool) else value


@contextmanager
def _json(path: Path, _: type[Row]) -> Iterator[_Write]:
    """Writes one array, a row a line."""
    with os.fdopen(write_private(path), "wb") as file:
        before = chain([b"[\n"], repeat(b",\n"))

        def write(rows: Sequence[Row]) -> None:
            for row in rows:
                file.write(next(before) + msgspec.json.encode(row))

        yield write
        file.write(b"[]\n" if file.tell() == 0 else b"\n]\n")


@contextmanager
def _parquet(path: Path, row: type[Row]) -> Iterator[_Write]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        reason = "needs pyarrow: install adk-flow's extra `parquet`"
        raise AdkFlowError(reason, argument="format", value="parquet") from None
    arrow: Any = pyarrow
    schema = arrow.schema(_columns(row, arrow))
    os.close(write_private(path))
    with parquet.ParquetWriter(path, schema) as file:

        def write(rows: Sequence[Row]) -> None:
            if not rows:
                return
            plain_rows = [msgspec.to_builtins(row) for row in rows]
            try:
                table = arrow.Table.from_pylist(plain_rows, schema=schema)
            except (OverflowError, arrow.ArrowInvalid) as error:
                reason = f"{rows[0].log}: cannot be written as parquet: {error}"
                raise AdkFlowError(reason) from error
            file.write_table(table)

        yield write


def _columns(row: type[Row], arrow: Any) -> list[tuple[str, Any]]:
    known: dict[Any, Any] = {int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    types = known | {kind | None: column for kind, column in known.items()}
    hints = get_type_hints(row)
    names = zip(row.__struct_fields__, row.__struct_encode_fields__, strict=True)
    return [(column, types.get(hints[field], arrow.string())) for field, column in names]


_WRITERS = {"csv": _csv, "json": _json, "parquet": _parquet}
