"""`adk-flow export`: flows as tables for a notebook, or as OpenTelemetry spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from adk_flow._text import plural
from adk_flow.cli.shared import tell, told_plainly
from adk_flow.errors import AdkFlowError
from adk_flow.export.files import Format, write_tables
from adk_flow.export.tables import Tables, tables_of
from adk_flow.log.reader import Log, LogError, read_log

_FOLDER = Path("flow_tables")


def export(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Flow logs, or folders.")],
    form: Annotated[
        Format | None, typer.Option("--format", help="Write tables: csv, parquet or json.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"Folder of the tables; by default {_FOLDER}.")
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(metavar="ENDPOINT", help="Send spans to a collector, over OTLP/HTTP."),
    ] = None,
) -> None:
    """Writes flows as tables, one file a table, or sends them as OpenTelemetry spans.

    Tables hold the rows of all logs that are named, in place of what was in them.
    """
    with told_plainly():
        if otlp is not None and (form or out):
            raise AdkFlowError("give either --otlp ENDPOINT or --format with --out, and not both")
        if otlp is not None:
            _send(logs, otlp)
            return
        rows = (_rows(log) for log in _read(logs))
        for table in write_tables(rows, out or _FOLDER, form or Format.csv):
            print(f"{table.path}  {plural(table.rows, 'row')}")


def _send(paths: Sequence[Path], endpoint: str) -> None:
    try:
        from adk_flow.export.otlp import address_of, send
        from adk_flow.export.traces import as_traces
    except ImportError as error:
        raise AdkFlowError(f"--otlp needs {error.name}: pip install adk-flow[otlp]") from error
    address = address_of(endpoint)
    logs = spans = 0
    for log in _read(paths):
        made = as_traces(log)
        send(made, endpoint)
        logs, spans = logs + 1, spans + len(made)
    print(f"{address}  {plural(spans, 'span')} of {plural(logs, 'log')}")


def _rows(log: Log) -> Tables:
    return tables_of(log._replace(path=_writable(log.path)))


def _writable(path: str) -> str:
    """Replaces what of a file's name is no text."""
    return path.encode(errors="replace").decode()


def _read(paths: Sequence[Path]) -> Iterator[Log]:
    """Reads logs one by one, each once; of a folder, what is a flow log.

    Raises:
      LogError: a file that was named, or all of a folder, is no flow log.
    """
    seen: set[Path] = set()
    for path in paths:
        for log in _of_folder(path) if path.is_dir() else [read_log(path)]:
            resolved = Path(log.path).resolve()
            if resolved in seen:
                continue
            seen.add(resolved)
            if log.damage:
                tell(f"{log.path}: {plural(len(log.damage), 'line')} could not be read")
            yield log


def _of_folder(folder: Path) -> Iterator[Log]:
    found = False
    for path in sorted(folder.rglob("*.jsonl")):
        if not path.is_file():
            continue
        try:
            log = read_log(path)
        except LogError as error:
            tell(f"left out: {error}")
            continue
        found = True
        yield log
    if not found:
        raise LogError(f"{folder}: holds no flow log (*.jsonl)")
