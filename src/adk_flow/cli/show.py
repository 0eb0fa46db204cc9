"""`adk-flow show`: what a flow log holds, as text, a diagram or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.cli.options import FORMAT, LOGS, DiagramFormat
from adk_flow.cli.output import print_json, report_errors
from adk_flow.cli.paths import load_story
from adk_flow.errors import AdkFlowError
from adk_flow.render.flow_json import flow_to_data
from adk_flow.render.flow_text import print_damage, print_flow, print_records
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.render.terminal import plain_console


def show_flow(
    logs: Annotated[list[Path], LOGS],
    view: Annotated[
        Literal["control", "conversation", "both", "records"],
        typer.Option(help="What to show of the flow."),
    ] = "both",
    names: Annotated[
        str, typer.Option(help="Names, separated by commas, that are facts to be passed on.")
    ] = "",
    form: Annotated[DiagramFormat, FORMAT] = "text",
) -> None:
    """Shows the flow of a log, or of the logs of all sides, turn by turn."""
    facts = [name.strip() for name in names.split(",") if name.strip()]
    with report_errors():
        flow_log = load_story(logs)
        if view == "records" and form == "mermaid":
            raise AdkFlowError("records have no diagram; take --format text or json")
    if form != "text":
        # A machine reads stdout, so damage is reported on stderr.
        print_damage(flow_log, plain_console(sys.stderr))
    if view == "records" and form == "json":
        for record in flow_log.records:
            print_json(record)
    elif view == "records":
        print_records(flow_log.records, plain_console())
        print_damage(flow_log, plain_console())
    elif form == "json":
        print_json(flow_to_data(flow_log, view, facts))
    elif form == "mermaid":
        print(sequence_diagram(trace_log(flow_log).moves, view), end="")
    else:
        print_flow(flow_log, plain_console(), view, facts)
