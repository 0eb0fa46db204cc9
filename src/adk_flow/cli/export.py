"""`adk-flow export`: flows as tables for a notebook, or as OpenTelemetry spans."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from adk_flow._text import encodable, plural
from adk_flow.cli.output import print_json
from adk_flow.cli.paths import read_logs
from adk_flow.errors import AdkFlowError
from adk_flow.export.chrome import write_chrome
from adk_flow.export.files import write_tables
from adk_flow.export.tables import tables_of
from adk_flow.log.private import is_standard_output

_FOLDER = Path("flow_tables")


ExportFormat = Literal["csv", "parquet", "json", "chrome"]


def export_tables(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Flow logs, or folders.")],
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Tables, by default csv; or trace events, for Perfetto."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Folder of the tables, by default {_FOLDER}; file of the events."),
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(metavar="ENDPOINT", help="Send spans to a collector, over OTLP/HTTP."),
    ] = None,
) -> None:
    """Writes flows as tables or as Chrome's trace events, or sends them as OpenTelemetry spans.

    Tables hold the rows of all the given logs; existing tables are replaced.
    """
    if otlp is not None:
        if form or out:
            reason = "give either --otlp ENDPOINT or --format with --out, and not both"
            raise AdkFlowError(reason)
        _send_spans(logs, otlp)
    elif form == "chrome":
        path = out or Path("flow_trace.json")
        events = write_chrome(read_logs(logs), path)
        words = f"{path}  {plural(events, 'event')}; open it in https://ui.perfetto.dev"
        print(words, file=sys.stderr if is_standard_output(path) else sys.stdout)
    else:
        rows = (tables_of(log._replace(path=encodable(log.path))) for log in read_logs(logs))
        tables = write_tables(rows, out or _FOLDER, form or "csv")
        if form == "json":
            print_json("export", {"tables": {str(path): rows for path, rows in tables.items()}})
            return
        for path, number in tables.items():
            print(f"{path}  {plural(number, 'row')}")


def _send_spans(paths: Sequence[Path], endpoint: str) -> None:
    try:
        from adk_flow.export.otlp import address_of, send
        from adk_flow.export.traces import as_traces
    except ImportError as error:
        raise AdkFlowError(f"--otlp needs {error.name}: install adk-flow's extra `otlp`") from error
    address = address_of(endpoint)
    logs = spans = 0
    for log in read_logs(paths):
        traces = as_traces(log)
        send(traces, endpoint)
        logs, spans = logs + 1, spans + len(traces)
    print(f"{address}  {plural(spans, 'span')} of {plural(logs, 'log')}")
