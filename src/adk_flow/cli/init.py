"""`adk-flow init`: the lines that record every run of an app."""

from __future__ import annotations

from adk_flow._text import plain
from adk_flow.cli.options import AppPath
from adk_flow.cli.output import report_errors, silence_adk


def init_app(app: AppPath) -> None:
    """Prints the lines that add the recorder to an app for good; changes nothing."""
    with report_errors():
        silence_adk()
        from adk_flow.run.app import find_app, lines_to_record

        place = find_app(app)
    file = plain(str(place.file))
    if place.is_recorded:
        print(f"{file} records already: nothing to add.")
        return
    where = "at the end" if place.file.exists() else "a new file"
    print(f"In {file}, {where}:\n")
    print("\n".join(lines_to_record(place)))
