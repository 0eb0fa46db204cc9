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
from adk_flow.cli.shared import newest_log, told_plainly
from adk_flow.log.reader import Log, read_log
from adk_flow.render.flow_json import flow_to_data
from adk_flow.render.flow_text import (
    MovePrinter,
    print_damage,
    print_legend,
    print_records,
    print_turn_metrics,
)
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.render.terminal import plain_console


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
        print_damage(read, plain_console(sys.stderr))
    if view is View.records:
        _show_records(read, form)
    elif form is Format.json:
        print(msgspec.json.encode(flow_to_data(read, view.value)).decode())
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
    print_records(log.records, console)
    print_damage(log, console)


def _show_moves(
    log: Log, view: Literal["control", "conversation", "both"], console: Console
) -> None:
    header = log.header
    # A graph has no model of its own.
    asked = dict.fromkeys(record.model for record in log.records if record.model)
    model = header.model or ", ".join(asked) or "unknown"
    title = f"{header.app}, model {model}, ADK {header.adk}"
    console.print(Text(plain(title), style="bold"))
    print_legend(console)
    reader, printer = TraceReader(), MovePrinter(console, view)
    open_turns: set[int] = set()
    for record in log.records:
        for move in reader.read(record):
            if move.kind == "start":
                for turn in sorted(open_turns):
                    print_turn_metrics(
                        measure_turn(reader.turns[turn]), console, tells_end=header.tells_end
                    )
                open_turns = {move.turn}
            printer.print(move)
            if move.kind == "end":
                print_turn_metrics(measure_turn(reader.turns[move.turn]), console)
                open_turns.discard(move.turn)
    for turn in sorted(open_turns):
        print_turn_metrics(measure_turn(reader.turns[turn]), console, tells_end=header.tells_end)
    print_damage(log, console)
