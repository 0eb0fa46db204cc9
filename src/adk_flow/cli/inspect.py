"""`adk-flow inspect`: an app as it stands before any run."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import msgspec
import typer

from adk_flow.cli.options import FORMAT, AppPath, DiagramFormat
from adk_flow.cli.output import app_output_on_stderr, report_errors, silence_adk
from adk_flow.render.inspection import agents_to_flowchart, agents_to_text


def show_agents(
    app: AppPath,
    form: Annotated[DiagramFormat, FORMAT] = "text",
    strict: Annotated[bool, typer.Option(help="Exit with 1 if there are remarks.")] = False,
) -> None:
    """Shows an app's agents, tools and allowed transfers, and remarks on what may go wrong.

    No agent runs, but the app's code is imported.
    """
    with report_errors(), nullcontext() if form == "text" else app_output_on_stderr():
        # ADK takes seconds to import, which `show` and `--help` need not wait for.
        silence_adk()
        from adk_flow.inspect.static import inspect_app
        from adk_flow.run.app import load_app

        inspection = inspect_app(load_app(app))
    if form == "json":
        print(msgspec.json.encode(inspection).decode())
    elif form == "mermaid":
        print(agents_to_flowchart(inspection), end="")
    else:
        print(agents_to_text(inspection), end="")
    if strict and inspection.remarks:
        raise typer.Exit(1)
