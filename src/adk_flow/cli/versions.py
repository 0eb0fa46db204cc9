"""`adk-flow versions`: the same conversation under several releases of ADK, side by side."""

from __future__ import annotations

import json
import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adk_flow.cli.shared import INTERRUPTED, quieten_adk, tell, told_plainly
from adk_flow.errors import AdkFlowError
from adk_flow.releases.alignment import align_releases
from adk_flow.releases.environments import check_release, default_folder
from adk_flow.releases.runner import run_releases
from adk_flow.render.releases import print_releases, releases_to_data, releases_to_markdown
from adk_flow.render.terminal import plain_console
from adk_flow.scenario.conversation import Conversation, of_questions, read_conversation


class Format(StrEnum):
    """How to write it."""

    text = "text"
    markdown = "markdown"
    json = "json"


def versions(
    app: Annotated[Path, typer.Argument(help="Folder of an ADK app, as for `adk run`.")],
    adk: Annotated[list[str], typer.Option(help="A release of google-adk; repeatable.")],
    conversation: Annotated[
        Path | None, typer.Option(help="YAML file of turns (docs/conversations.md).")
    ] = None,
    question: Annotated[
        list[str] | None, typer.Option(help="A turn to ask, instead of a file; repeatable.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="File of what the model decides (docs/decisions.md).")
    ] = None,
    environments: Annotated[
        Path | None, typer.Option(help="Where environments are kept; by default in the cache.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Lays side by side what fires when under several releases of ADK.

    Each release gets an environment, made by uv once and kept. The model is the offline one unless
    the app's own is scripted, or decisions are given. Exits with 1 if a release could not hold the
    conversation, or anything went wrong in it: a turn that failed, an answer that did not hold
    what the conversation asks for, decisions that were left over.
    """
    with told_plainly():
        asked = _asked(question, conversation)
        releases = _releases(adk)
        _check_decisions(decisions)
        folder = (environments or default_folder()).resolve()
        if not app.exists():
            raise AdkFlowError(f"{app}: does not exist; expected a folder of an ADK app")
        try:
            ran = run_releases(app, asked, releases, folder, decisions, tell)
        except KeyboardInterrupt:
            tell("stopped; environments that were complete are kept")
            raise typer.Exit(INTERRUPTED) from None
    beside = align_releases(str(app), len(asked.turns), ran)
    if form is Format.json:
        print(_readable(json.dumps(releases_to_data(beside), ensure_ascii=False)))
    elif form is Format.markdown:
        print(
            releases_to_markdown(
                beside, _command(app, releases, conversation, question, decisions)
            ),
            end="",
        )
    else:
        print_releases(beside, plain_console())
    if beside.failed or beside.notes:
        raise typer.Exit(1)


def _asked(questions: list[str] | None, file: Path | None) -> Conversation:
    if bool(questions) == bool(file):
        raise AdkFlowError("give either --question WORDS or --conversation FILE, and not both")
    return read_conversation(file) if file else of_questions(list(map(_readable, questions or [])))


def _readable(words: str) -> str:
    """Replaces what of an argument or a path is no text."""
    return words.encode(errors="replace").decode()


def _check_decisions(file: Path | None) -> None:
    """Reads decisions before anything is made for them."""
    if file is None:
        return
    # ADK takes seconds to import, which `--help` need not wait for.
    quieten_adk()
    from adk_flow.models.decisions import read_decisions

    read_decisions(file)


def _releases(named: list[str]) -> list[str]:
    """Puts the releases in their order, each once."""
    releases = sorted({check_release(one) for one in named}, key=_age)
    if len(releases) < 2:
        raise AdkFlowError("name two releases or more: --adk 1.39.1 --adk 2.13.0")
    return releases


def _age(release: str) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|[A-Za-z]+", release)
    # A release's candidates, 2.0.0rc1, come before it.
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts] + [(0, "")]


def _command(
    app: Path,
    releases: list[str],
    conversation: Path | None,
    questions: list[str] | None,
    decisions: Path | None,
) -> str:
    """Writes the command that makes the same again."""
    words = ["adk-flow", "versions", str(app)]
    words += [word for release in releases for word in ("--adk", release)]
    words += ["--conversation", str(conversation)] if conversation else []
    words += [word for one in questions or [] for word in ("--question", one)]
    words += ["--decisions", str(decisions)] if decisions else []
    return shlex.join([*words, "--format", "markdown"])
