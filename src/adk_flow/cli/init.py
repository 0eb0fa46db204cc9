"""`adk-flow init`: the lines that switch recording on for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adk_flow._text import plain
from adk_flow.cli.shared import quieten_adk, told_plainly


def init(app: Annotated[Path, typer.Argument(help="Folder or module of an ADK app.")]) -> None:
    """Shows the lines that switch recording on for good, for that app; writes nothing."""
    with told_plainly():
        quieten_adk()
        from adk_flow.run.app import find_app, lines_to_record

        found = find_app(app)
    if found.is_recorded:
        print(f"{plain(str(found.file))} records already: nothing to add.")
        return
    where = "at its end" if found.file.exists() else "which is new"
    print(f"In {plain(str(found.file))}, {where}:\n")
    print("\n".join(lines_to_record(found)))
