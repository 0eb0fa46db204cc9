"""`adk-flow run`: a conversation with an app, each move printed as it happens."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adk_flow.cli import options
from adk_flow.cli.loading import load_conversation, load_decided_app
from adk_flow.cli.output import (
    app_output_on_stderr,
    mention_state,
    print_json,
    print_note,
    stop_printing,
)
from adk_flow.cli.signals import keeping, recorded
from adk_flow.errors import AdkFlowError
from adk_flow.log.private import PRIVATE, is_device, make_private_folder, open_log_file
from adk_flow.log.schema import Header, Record
from adk_flow.render.flow_json import run_to_data
from adk_flow.render.flow_text import FlowView, print_legend, print_run_end
from adk_flow.render.terminal import plain_console

if TYPE_CHECKING:
    from google.adk.apps import App


def run_app(
    app: options.AppPath,
    questions: Annotated[
        list[str] | None, typer.Argument(help="User messages, turn by turn.")
    ] = None,
    conversation: options.ConversationFile = None,
    model: options.Model = "",
    state: options.State = "",
    log: Annotated[Path | None, typer.Option(help="Where to write the flow log.")] = None,
    decisions: options.DecisionsFile = None,
    cassette: options.CassetteFile = None,
    view: Annotated[FlowView, typer.Option(help="Which moves to print.")] = "both",
    form: Annotated[options.TextFormat, options.FORMAT] = "text",
) -> None:
    """Runs a conversation with an app and prints each move as it happens.

    Exits with 1 if a turn failed, an answer lacks what the conversation asks for, or not all of it
    could be recorded.
    """
    asked = load_conversation(questions, conversation, state)
    _check_log(log)
    with app_output_on_stderr(form):
        loaded, decided, tapes = load_decided_app(app, model, decisions, cassette)
        from adk_flow.models.planned.playing import check_keys, check_plans
        from adk_flow.run.conversation_run import run_conversation

        if tapes is None:
            check_keys(loaded, [asked])
        check_plans(loaded, {str(conversation): asked})
        listener = _narrate(view) if form == "text" else None
        with keeping(recorded), _peers_in(loaded, log) as sides:
            talk = run_conversation(loaded, asked, file=log, listener=listener, sides=sides)
            run = asyncio.run(talk)
    if form == "json":
        print_json("run", run_to_data(run))
    else:
        print_run_end(run, plain_console())
    mention_state(chain.from_iterable(run.failed_checks))
    for note in filter(None, (tapes.summary, tapes.complaint) if tapes else ()):
        print_note(note)
    if decided is not None:
        decided.finish()
    if any(run.failed_checks) or run.faults:
        raise typer.Exit(1)


@contextmanager
def _peers_in(app: App, log: Path | None) -> Iterator[Path | None]:
    """Has peers that an app starts record beside its log; None where it starts none."""
    if "adk_flow.wiring.peers" not in sys.modules:  # whose import takes a second
        yield None
        return
    from adk_flow.record.plugin import FlowPlugin
    from adk_flow.wiring.peers import recorded_in

    own = next((plugin for plugin in app.plugins if isinstance(plugin, FlowPlugin)), FlowPlugin())
    folder = own.recorder.directory / f"{app.name}-{uuid.uuid4().hex}"
    folder = log.with_suffix("") if log and log.suffix else folder
    with recorded_in(folder):
        yield folder


def _narrate(view: FlowView) -> Callable[[Header, Record], None]:
    """Prints moves as they happen, until nobody reads them; the conversation goes on."""
    from adk_flow.render.narration import Narrator

    print_legend(plain_console())
    narrator = Narrator(sys.stdout, view)

    def narrate(header: Header, record: Record) -> None:
        try:
            narrator(header, record)
        except BrokenPipeError:
            stop_printing()

    return narrate


def _check_log(log: Path | None) -> None:
    """Refuses a log that exists, so that nothing written is mixed, or that cannot be written."""
    if log is None or is_device(log):
        return
    try:
        if log.is_symlink():
            raise AdkFlowError("is a link; name the file", argument="log", value=log)
        if log.exists() and log.stat().st_size:
            raise AdkFlowError("exists already; name a new file", argument="log", value=log)
        make_private_folder(log.parent)
        os.close(open_log_file(log, PRIVATE))
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise AdkFlowError(reason, argument="log", value=log) from error
