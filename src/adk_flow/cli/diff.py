"""`adk-flow diff`: what changed between two flow logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.diff import diff_flows
from adk_flow.cli.options import FORMAT, ReportFormat
from adk_flow.cli.output import print_json, report_errors
from adk_flow.cli.paths import load_story
from adk_flow.render.diff import diff_to_data, diff_to_markdown, diff_to_text
from adk_flow.render.terminal import plain_console


def show_diff(
    before: Annotated[
        Path, typer.Argument(metavar="LOG", help="A flow log, or a folder: its newest session.")
    ],
    after: Annotated[Path, typer.Argument(metavar="LOG", help="The log to compare it with.")],
    form: Annotated[ReportFormat, FORMAT] = "text",
) -> None:
    """Shows what changed in control, conversation and metrics; times are left out.

    Exits with 1 if anything changed.
    """
    with report_errors():
        was, now = (trace_log(load_story([path])) for path in (before, after))
        difference = diff_flows(was, now)
    if form == "json":
        print_json("diff", diff_to_data(difference, was.log, now.log))
    elif form == "markdown":
        print(diff_to_markdown(difference, was, now))
    else:
        print(diff_to_text(difference, was.log, now.log, plain_console().width))
    if difference.turns:
        raise typer.Exit(1)
