"""`adk-flow inspect`: an app as it stands before any run; `init`: what it lacks to be recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from adk_flow._text import plain
from adk_flow.cli.loading import import_app
from adk_flow.cli.options import FORMAT, AppPath, DiagramFormat, TextFormat
from adk_flow.cli.output import app_output_on_stderr, print_json, silence_adk
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


def init_app(app: AppPath, form: Annotated[TextFormat, FORMAT] = "text") -> None:
    """Prints the lines that add the recorder to an app for good; changes nothing."""
    with app_output_on_stderr(form):
        silence_adk()
        from adk_flow.run.app import find_app, lines_to_record

        place = find_app(app)
    lines = [] if place.is_recorded else lines_to_record(place)
    if form == "json":
        print_json("init", {"file": str(place.file), "lines": lines})
        return
    file = plain(str(place.file))
    if place.is_recorded:
        print(f"{file} records already: nothing to add.")
        return
    where = "at the end" if place.file.exists() else "a new file"
    print(f"In {file}, {where}:\n")
    print("\n".join(lines))
