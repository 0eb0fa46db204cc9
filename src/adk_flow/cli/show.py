"""`adk-flow show`: what a flow log holds, as text, a diagram or JSON."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from adk_flow._text import plain
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import TraceReader, trace_log
from adk_flow.cli.shared import newest_log, plain_console, told_plainly
from adk_flow.log.reader import Log, read_log
from adk_flow.render.flow_json import flow_as_data
from adk_flow.render.flow_text import (
    MovePrinter,
    show_damage,
    show_figures,
    show_legend,
    show_records,
)
from adk_flow.render.mermaid import sequence_diagram


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


def show(
    log: Annotated[Path, typer.Argument(help="A flow log, or a folder: its newest log.")],
    view: Annotated[View, typer.Option(help="What of the flow to show.")] = View.both,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Draws the flow that a log holds, as far as it goes."""
    with told_plainly():
        read = read_log(newest_log(log) if log.is_dir() else log)
    if form is not Format.text:
        # A machine reads what is on stdout, so damage is told beside it.
        show_damage(read, plain_console(sys.stderr))
    if view is View.records:
        _show_records(read, form)
    elif form is Format.json:
        print(msgspec.json.encode(flow_as_data(read, view.value)).decode())
    elif form is Format.mermaid:
        print(sequence_diagram(trace_log(read).moves, view.value), end="")
    else:
        _show_moves(read, view.value, plain_console())


def _show_records(log: Log, form: Format) -> None:
    if form is Format.mermaid:
        print("adk-flow: records have no diagram; take --format text or json", file=sys.stderr)
        raise typer.Exit(2)
    if form is Format.json:
        for record in log.records:
            print(msgspec.json.encode(record).decode())
        return
    console = plain_console()
    show_records(log.records, console)
    show_damage(log, console)


def _show_moves(
    log: Log, view: Literal["control", "conversation", "both"], console: Console
) -> None:
    header = log.header
    # A graph has no model of its own.
    asked = dict.fromkeys(record.model for record in log.records if record.model)
    model = header.model or ", ".join(asked) or "unknown"
    title = f"{header.app}, model {model}, ADK {header.adk}"
    console.print(Text(plain(title), style="bold"))
    show_legend(console)
    reader, printer = TraceReader(), MovePrinter(console, view)
    open_turns: set[int] = set()
    for record in log.records:
        for move in reader.read(record):
            if move.kind == "start":
                for turn in sorted(open_turns):
                    show_figures(
                        measure_turn(reader.turns[turn]), console, tells_end=header.tells_end
                    )
                open_turns = {move.turn}
            printer.print(move)
            if move.kind == "end":
                show_figures(measure_turn(reader.turns[move.turn]), console)
                open_turns.discard(move.turn)
    for turn in sorted(open_turns):
        show_figures(measure_turn(reader.turns[turn]), console, tells_end=header.tells_end)
    show_damage(log, console)
