"""`adk-flow inspect`: an app as it stands before any run."""

from __future__ import annotations

from typing import Annotated

import typer

from adk_flow.cli.loading import import_app
from adk_flow.cli.options import FORMAT, AppPath, DiagramFormat
from adk_flow.cli.output import app_output_on_stderr, print_json
from adk_flow.render.inspection import agents_to_flowchart, agents_to_text
from adk_flow.render.terminal import plain_console


def show_agents(
    app: AppPath,
    form: Annotated[DiagramFormat, FORMAT] = "text",
    strict: Annotated[bool, typer.Option(help="Exit with 1 if there are remarks.")] = False,
) -> None:
    """Shows an app's agents, tools and allowed transfers, and remarks on what may go wrong.

    No agent runs, but the app's code is imported.
    """
    with app_output_on_stderr(form):
        loaded = import_app(app)
        from adk_flow.inspect.static import inspect_app

        inspection = inspect_app(loaded)
    if form == "json":
        print_json("inspect", inspection)
    elif form == "mermaid":
        print(agents_to_flowchart(inspection), end="")
    else:
        print(agents_to_text(inspection, plain_console().width), end="")
    if strict and inspection.remarks:
        raise typer.Exit(1)
