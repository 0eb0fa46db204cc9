"""The command `adk-flow`."""

from __future__ import annotations

import asyncio
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from adk_flow.conversation import Conversation, of_questions, read_conversation
from adk_flow.log import Log, LogError, read_log
from adk_flow.measure import Meter
from adk_flow.moves import moves
from adk_flow.problem import Problem
from adk_flow.views.mermaid import sequence_diagram
from adk_flow.views.plain import one_line, plain
from adk_flow.views.structured import as_data, flow_as_data
from adk_flow.views.terminal import (
    FAILED_STYLE,
    MovePrinter,
    show_damage,
    show_figures,
    show_legend,
    show_records,
)

if TYPE_CHECKING:
    from adk_flow.experiment import Held

command = typer.Typer(
    help="Shows how control and conversation move between the agents of an ADK application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class View(StrEnum):
    """What to show of a flow."""

    control = "control"
    conversation = "conversation"
    both = "both"
    records = "records"


class Format(StrEnum):
    """How to write it."""

    text = "text"
    mermaid = "mermaid"
    json = "json"


class Diagram(StrEnum):
    """A view that is made of moves."""

    control = "control"
    conversation = "conversation"
    both = "both"


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turns what a user can mend into one line on stderr and exit code 2."""
    try:
        yield
    except Problem as error:
        print(f"adk-flow: {one_line(str(error), 500)}", file=sys.stderr)
        raise typer.Exit(2) from error


def _console(stream: TextIO | None = None) -> Console:
    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False)


@command.command()
def run(
    app: Annotated[Path, typer.Argument(help="Folder of an ADK app, as for `adk run`.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="What to ask, turn by turn.")
    ] = None,
    conversation: Annotated[
        Path | None, typer.Option(help="YAML file of turns (docs/conversations.md).")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Where to write the flow log.")] = None,
    view: Annotated[Diagram, typer.Option(help="Which moves to tell.")] = Diagram.both,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Holds a conversation with an app and tells each move as it happens.

    Exits with 1 if a turn failed or an answer did not hold what the conversation asks for.
    """
    with _told_plainly():
        asked = _asked(questions, conversation)
        _fresh(log)
        held = _hold(app, asked, log, view, as_json)
    if as_json:
        print(msgspec.json.encode(_as_data(held)).decode())
    else:
        _report(held, _console())
    if any(held.failed_checks):
        raise typer.Exit(1)


def _asked(questions: list[str] | None, file: Path | None) -> Conversation:
    if bool(questions) == bool(file):
        raise Problem("give either a question or --conversation FILE, and not both")
    return read_conversation(file) if file else of_questions(questions or [])


def _fresh(log: Path | None) -> None:
    """Refuses a log that exists, so that nothing written is mixed, or that cannot be written."""
    if log is None:
        return
    try:
        if log.exists() and log.stat().st_size:
            raise Problem(f"--log {log}: exists already; name a new file")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise Problem(f"--log {log}: cannot be written: {error.strerror or error}") from error


def _hold(path: Path, asked: Conversation, log: Path | None, view: Diagram, quiet: bool) -> Held:
    # ADK takes seconds to import, which `show` and `--help` need not wait for.
    warnings.filterwarnings("ignore", module="google.adk")
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)
    from adk_flow.application import load_application
    from adk_flow.experiment import hold
    from adk_flow.views.narration import Narrator

    console = _console()
    loaded = load_application(path)
    if not quiet:
        show_legend(console)
    listener = None if quiet else Narrator(sys.stdout, view.value)
    return asyncio.run(hold(loaded, asked, file=log, listener=listener))


def _as_data(held: Held) -> dict[str, Any]:
    return {
        "log": str(held.log) if held.log else None,
        "turns": [as_data(turn) for turn in held.turns],
        "moves": held.moves,
        "failed_checks": held.failed_checks,
        "faults": held.faults,
    }


def _report(held: Held, console: Console) -> None:
    for number, failed in enumerate(held.failed_checks, start=1):
        for reason in failed:
            console.print(Text(f"turn {number}: {one_line(reason, 300)}", style=FAILED_STYLE))
    if held.faults:
        console.print(Text(f"{held.faults} hooks could not be recorded", style=FAILED_STYLE))
    where = held.log or "none could be written; see the fault above"
    console.print(Text(f"\nFlow log: {where}"), soft_wrap=True)


@command.command()
def show(
    log: Annotated[Path, typer.Argument(help="A flow log, or a folder: its newest log.")],
    view: Annotated[View, typer.Option(help="What of the flow to show.")] = View.both,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Draws the flow that a log holds, as far as it goes."""
    with _told_plainly():
        read = read_log(_newest(log) if log.is_dir() else log)
    if form is not Format.text:
        # A machine reads what is on stdout, so damage is told beside it.
        show_damage(read, _console(sys.stderr))
    if view is View.records:
        _show_records(read, form)
    elif form is Format.json:
        print(msgspec.json.encode(flow_as_data(read, view.value)).decode())
    elif form is Format.mermaid:
        print(sequence_diagram(moves(read.records), view.value), end="")
    else:
        _show_moves(read, view.value, _console())


def _newest(folder: Path) -> Path:
    logs = [path for path in folder.rglob("*.jsonl") if path.is_file()]
    logs.sort(key=lambda path: path.stat().st_mtime)
    if not logs:
        raise LogError(f"{folder}: holds no flow log (*.jsonl)")
    return logs[-1]


def _show_records(log: Log, form: Format) -> None:
    if form is Format.mermaid:
        print("adk-flow: records have no diagram; take --format text or json", file=sys.stderr)
        raise typer.Exit(2)
    if form is Format.json:
        for record in log.records:
            print(msgspec.json.encode(record).decode())
        return
    console = _console()
    show_records(log.records, console)
    show_damage(log, console)


def _show_moves(
    log: Log, view: Literal["control", "conversation", "both"], console: Console
) -> None:
    header = log.header
    title = f"{header.app}, model {header.model or 'unknown'}, ADK {header.adk}"
    console.print(Text(plain(title), style="bold"))
    show_legend(console)
    meter, printer = Meter(), MovePrinter(console, view)
    open_turns: set[int] = set()
    for record in log.records:
        for move in meter.read(record):
            if move.kind == "start":
                for turn in sorted(open_turns):
                    show_figures(meter.turns[turn], console)
                open_turns = {move.turn}
            printer.print(move)
            if move.kind == "end":
                show_figures(meter.turns[move.turn], console)
                open_turns.discard(move.turn)
    for turn in sorted(open_turns):
        show_figures(meter.turns[turn], console)
    show_damage(log, console)


def main() -> None:
    """Runs the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as `?`, and never ends the command.
            stream.reconfigure(errors="replace")
    try:
        command()
    except OSError as error:
        sys.exit(f"adk-flow: cannot write: {error.strerror or error}")
