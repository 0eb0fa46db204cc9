"""`adk-flow versions`: the same conversation under several releases of ADK."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from adk_flow.cli import options
from adk_flow.cli.loading import load_conversation
from adk_flow.cli.output import print_json, print_note, silence_adk
from adk_flow.cli.signals import keeping
from adk_flow.errors import AdkFlowError
from adk_flow.releases.alignment import align_releases
from adk_flow.releases.environments import default_folder, order_releases
from adk_flow.releases.runner import run_releases
from adk_flow.render.releases import print_releases, releases_to_data, releases_to_markdown
from adk_flow.render.terminal import plain_console


def compare_releases(
    app: options.AppPath,
    adk: Annotated[list[str], typer.Option(help="A release of google-adk; repeatable.")],
    conversation: options.ConversationFile = None,
    question: options.Questions = None,
    decisions: options.DecisionsFile = None,
    packages: Annotated[
        list[str] | None,
        typer.Option("--with", help="A package that the app needs; repeatable."),
    ] = None,
    environments: Annotated[
        Path | None, typer.Option(help="Folder of environments; by default in the cache.")
    ] = None,
    form: Annotated[options.ReportFormat, options.FORMAT] = "text",
) -> None:
    """Holds the same conversation under several releases of ADK and compares which hooks fire.

    Each release gets an environment with the app's requirements.txt, made by uv once and kept. The
    app runs on the offline model unless it brings a model of its own, or decisions are given.
    Exits with 1 if a release could not run the conversation, a turn failed, an answer lacks what
    the conversation asks for, or decisions were left over.
    """
    asked = load_conversation(question, conversation)
    releases = order_releases(adk)
    _check_decisions(decisions)
    folder = (environments or default_folder()).resolve()
    if not app.exists():
        raise AdkFlowError(f"{app}: does not exist; expected a folder of an ADK app")
    with keeping(lambda: f"complete environments are kept in {folder}"):
        given = (app, asked, releases, folder, decisions, print_note, packages or ())
        ran = run_releases(*given, place=str(conversation or ""))
    alignment = align_releases(str(app), len(asked.turns), ran)
    if form == "json":
        print_json("versions", releases_to_data(alignment))
    elif form == "markdown":
        given = {"adk": releases, "conversation": [conversation], "question": question}
        given |= {"decisions": [decisions], "with": packages}
        print(releases_to_markdown(alignment, _command(app, given)), end="")
    else:
        print_releases(alignment, plain_console())
    if alignment.failed or alignment.notes:
        raise typer.Exit(1)


def _check_decisions(file: Path | None) -> None:
    """Reads decisions before anything is made for them."""
    if file is None:
        return
    # ADK takes seconds to import, which `--help` need not wait for.
    silence_adk()
    from adk_flow.models.decisions import read_decisions

    read_decisions(file)


def _command(app: Path, given: Mapping[str, Sequence[object] | None]) -> str:
    """Writes the command that makes the same again."""
    words = [
        word
        for name, values in given.items()
        for value in filter(None, values or ())
        for word in (f"--{name}", str(value))
    ]
    return shlex.join(["adk-flow", "versions", str(app), *words, "--format", "markdown"])
