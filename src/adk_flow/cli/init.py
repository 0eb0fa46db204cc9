"""`adk-flow init`: the lines that record every run of an app."""

from __future__ import annotations

from typing import Annotated

from adk_flow._text import plain
from adk_flow.cli.options import FORMAT, AppPath, TextFormat
from adk_flow.cli.output import app_output_on_stderr, print_json, silence_adk


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
