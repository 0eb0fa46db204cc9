"""`adk-flow inspect`: an app as it stands before any run."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from adk_flow.cli.shared import apart, quieten_adk, told_plainly
from adk_flow.render.inspection import agents_to_flowchart, agents_to_text


class Format(StrEnum):
    """How to write the picture."""

    text = "text"
    mermaid = "mermaid"
    json = "json"


def inspect(
    app: Annotated[Path, typer.Argument(help="Folder or module of an ADK app.")],
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
    strict: Annotated[bool, typer.Option(help="Exit with 1 if there are remarks.")] = False,
) -> None:
    """Shows an app's agents, tools and legal transfers, and what is odd in them.

    Nothing of it runs, but its code is imported.
    """
    with told_plainly(), nullcontext() if form is Format.text else apart(harmless=False):
        # ADK takes seconds to import, which `show` and `--help` need not wait for.
        quieten_adk()
        from adk_flow.inspect.static import inspect_app
        from adk_flow.run.app import load_app

        picture = inspect_app(load_app(app))
    if form is Format.json:
        print(msgspec.json.encode(picture).decode())
    elif form is Format.mermaid:
        print(agents_to_flowchart(picture), end="")
    else:
        print(agents_to_text(picture), end="")
    if strict and picture.remarks:
        raise typer.Exit(1)
