"""`adk-flow run`: a conversation held with an app, each move told as it happens."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from adk_flow._text import one_line, plural
from adk_flow.cli.shared import (
    apart,
    quieten_adk,
    told_plainly,
)
from adk_flow.errors import AdkFlowError
from adk_flow.render.flow_json import turn_to_data
from adk_flow.render.flow_text import print_legend
from adk_flow.render.terminal import FAILED_STYLE, plain_console
from adk_flow.scenario.conversation import (
    Conversation,
    of_questions,
    read_conversation,
    read_state,
    with_state,
)

if TYPE_CHECKING:
    from google.adk.apps import App

    from adk_flow.models.decisions import Decided
    from adk_flow.run.conversation_run import ConversationRun


class Diagram(StrEnum):
    """A view that is made of moves."""

    control = "control"
    conversation = "conversation"
    both = "both"


def run(
    app: Annotated[Path, typer.Argument(help="Folder of an ADK app, as for `adk run`.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="What to ask, turn by turn.")
    ] = None,
    conversation: Annotated[
        Path | None, typer.Option(help="YAML file of turns (docs/conversations.md).")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model of every agent, such as `offline`; by default the app's.")
    ] = "",
    state: Annotated[
        str, typer.Option(help="What the session holds at first: a JSON object, or its file.")
    ] = "",
    log: Annotated[Path | None, typer.Option(help="Where to write the flow log.")] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="File of what the model decides (docs/decisions.md).")
    ] = None,
    view: Annotated[Diagram, typer.Option(help="Which moves to tell.")] = Diagram.both,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Holds a conversation with an app and tells each move as it happens.

    Exits with 1 if a turn failed or an answer did not hold what the conversation asks for.
    """
    with told_plainly():
        asked = _asked(questions, conversation, state)
        _fresh(log)
        with apart(harmless=False) if as_json else nullcontext():
            loaded, script = _loaded(app, model, decisions)
            held = _hold(loaded, asked, log, view, as_json)
        if as_json:
            print(msgspec.json.encode(_as_data(held)).decode())
        else:
            _report(held, plain_console())
        if script is not None:
            script.finish()
    if any(held.failed_checks):
        raise typer.Exit(1)


def _asked(questions: list[str] | None, file: Path | None, state: str) -> Conversation:
    if bool(questions) == bool(file):
        raise AdkFlowError("give either a question or --conversation FILE, and not both")
    asked = read_conversation(file) if file else of_questions(questions or [])
    return with_state(asked, read_state(state)) if state else asked


def _fresh(log: Path | None) -> None:
    """Refuses a log that exists, so that nothing written is mixed, or that cannot be written."""
    if log is None:
        return
    try:
        if log.exists() and log.stat().st_size:
            raise AdkFlowError(f"--log {log}: exists already; name a new file")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise AdkFlowError(f"--log {log}: cannot be written: {error.strerror or error}") from error


def _loaded(path: Path, model: str, decisions: Path | None) -> tuple[App, Decided | None]:
    if model and decisions:
        raise AdkFlowError("give either --model or --decisions, and not both")
    # ADK takes seconds to import, which `show` and `--help` need not wait for.
    quieten_adk()
    from adk_flow.run.app import load_app

    loaded = load_app(path, model)
    if decisions is None:
        return loaded, None
    from adk_flow.models.decisions import decided

    return decided(loaded, decisions)


def _hold(
    app: App, asked: Conversation, log: Path | None, view: Diagram, quiet: bool
) -> ConversationRun:
    from adk_flow.render.narration import Narrator
    from adk_flow.run.conversation_run import run_conversation

    if not quiet:
        print_legend(plain_console())
    listener = None if quiet else Narrator(sys.stdout, view.value)
    return asyncio.run(run_conversation(app, asked, file=log, listener=listener))


def _as_data(held: ConversationRun) -> dict[str, Any]:
    return {
        "log": str(held.log) if held.log else None,
        "turns": [turn_to_data(turn) for turn in held.turns],
        "moves": held.moves,
        "failed_checks": held.failed_checks,
        "faults": held.faults,
        "uncontrolled": held.uncontrolled,
    }


def _report(held: ConversationRun, console: Console) -> None:
    for number, failed in enumerate(held.failed_checks, start=1):
        for reason in failed:
            console.print(Text(f"turn {number}: {one_line(reason, 300)}", style=FAILED_STYLE))
    if held.faults:
        console.print(
            Text(f"{plural(held.faults, 'hook')} could not be recorded", style=FAILED_STYLE)
        )
    if held.uncontrolled:
        from adk_flow.run.conversation_run import describe_uncontrolled

        told = describe_uncontrolled(held.uncontrolled)
        console.print(Text(one_line(told, 300), style=FAILED_STYLE))
    where = held.log or "none could be written; see the fault above"
    console.print(Text(f"\nFlow log: {where}"), soft_wrap=True)
