"""`adk-flow wire`: an app's agents under a construct, as code that needs no adk-flow."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adk_flow._text import suggest
from adk_flow.cli.loading import import_app
from adk_flow.cli.options import FORMAT, AdvisorModel, AppPath, Deep, TextFormat
from adk_flow.cli.output import app_output_on_stderr, print_json, print_note
from adk_flow.errors import AdkFlowError

if TYPE_CHECKING:
    from adk_flow.wiring.source.files import WrittenApp


def write_wiring(
    app: AppPath,
    construct: Annotated[str, typer.Option(help="How to wire the agents, such as `single_turn`.")],
    write: Annotated[
        str | None, typer.Option(metavar="DIR", help="New folder for it, an app for `adk run`.")
    ] = None,
    deep: Deep = False,
    advisor_model: AdvisorModel = "",
    form: Annotated[TextFormat, FORMAT] = "text",
) -> None:
    """Prints an app's agents under a construct as plain ADK code, or writes them into a folder.

    No agent runs, but the app's code is imported.
    """
    if write == "":
        raise AdkFlowError("names no folder", argument="write")
    folder = Path(write) if write else None
    if folder:
        _check_folder(folder)
    with app_output_on_stderr():
        written = _written(app, construct, folder, deep, advisor_model)
    for note in written.notes:
        print_note(note)
    if folder:
        _write_files(folder, written.files)
    if form == "json":
        print_json("wire", {"folder": folder and str(folder), "files": written.files})
    elif folder:
        print(f"adk run {folder}")
    else:
        print("\n\n".join(f"# {name}\n\n{text}" for name, text in written.files.items()), end="")


def _write_files(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise AdkFlowError(reason, argument="write", value=folder) from error


def _check_folder(folder: Path) -> None:
    """Refuses what `adk run` could not load, and to write over anything."""
    name = folder.resolve().name
    if not name.isidentifier() or name in ("user", *sys.stdlib_module_names):
        raise AdkFlowError(
            "cannot be the name of an app; take a name of letters, digits and underscores that no "
            "module of Python has",
            argument="write",
            value=folder,
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AdkFlowError("exists; name a new folder", argument="write", value=folder)


def _written(
    path: Path, construct: str, folder: Path | None, deep: bool, advisor: str
) -> WrittenApp:
    app = import_app(path)
    from adk_flow._adk import check_constructs
    from adk_flow.run.app import FILES_OF_APP

    check_constructs()
    from adk_flow.analysis.run_metrics import AS_IS, ONE_BY_ONE
    from adk_flow.comparison.variants import KNOWN_CONSTRUCTS, make_variants
    from adk_flow.wiring import ON_DEMAND
    from adk_flow.wiring.source.files import write_app

    refused = partial(AdkFlowError, argument="construct", value=construct)
    known = [name for name in KNOWN_CONSTRUCTS if name != ONE_BY_ONE]
    if construct in ON_DEMAND:
        raise refused(
            "cannot be written: each specialist is a process of its own; serve it by ADK's "
            "to_a2a, and call it by AgentTool(RemoteA2aAgent(...))"
        )
    if construct == ONE_BY_ONE:
        raise refused("no construct: it is how `compare` runs the app, one thing after the other")
    if construct == "advisor" and not advisor:
        reason = "names none: `advisor` asks a stronger model, such as gemini-2.5-pro"
        raise AdkFlowError(reason, argument="advisor_model")
    if construct not in known:
        raise refused(f"unknown{suggest(construct, known)}; known are {', '.join(known)}")
    variants = make_variants(app, [AS_IS, construct], deep=deep, advisor=advisor)
    if reason := variants.skipped.get(construct):
        raise refused(reason)
    home = path.parent if path.name in FILES_OF_APP else path
    apps = home.resolve().parent
    beside = folder is None or folder.resolve().parent == apps
    written = write_app(
        app,
        variants.apps[construct],
        construct,
        name=folder.resolve().name if folder else "",
        changes=variants.changes.get(construct, ()),
        modules="" if beside or folder is None else os.path.relpath(apps, folder.resolve()),
    )
    written.notes.extend(variants.notes)
    if (home / ".env").exists():
        written.notes.append(f"{home / '.env'} is not copied; the new app finds one above it")
    return written
