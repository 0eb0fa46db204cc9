"""`adk-flow merge`: the shares of a comparison brought together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adk_flow.cli.comparison import report_comparison
from adk_flow.cli.loading import use_files
from adk_flow.cli.options import FORMAT, PricesFile, ReportFormat
from adk_flow.comparison.shards import merge_shards
from adk_flow.render.page import trace_to_html


def merge_folders(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that `compare --shard` wrote."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the whole comparison.")],
    prices: PricesFile = None,
    form: Annotated[ReportFormat, FORMAT] = "text",
) -> None:
    """Merges the shares of a comparison, and compares.

    Exits with 1 if some runs are missing or if they are no evidence.
    """
    use_files("", None, prices)
    comparison = merge_shards(folders, out, trace_to_html)
    report_comparison(comparison, out, form)
