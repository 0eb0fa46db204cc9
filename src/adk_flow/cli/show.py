"""`adk-flow show`: what a flow log holds, as text, a page, a diagram or JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import msgspec
import typer

from adk_flow._text import encodable, plain, plural
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.cli.options import FORMAT, LOGS
from adk_flow.cli.output import print_json
from adk_flow.cli.paths import load_story, open_story
from adk_flow.errors import AdkFlowError
from adk_flow.log.private import is_standard_output, write_private_text
from adk_flow.log.reader import Log, LogFile
from adk_flow.log.schema import Record
from adk_flow.render.flow_text import (
    FlowView,
    MovePrinter,
    list_findings,
    print_damage,
    print_flow,
    print_records,
)
from adk_flow.render.terminal import plain_console

View = Literal["control", "conversation", "both", "records"]


def show_flow(
    logs: Annotated[list[Path], LOGS],
    view: Annotated[View, typer.Option(help="What to show of the flow.")] = "both",
    form: Annotated[Literal["text", "mermaid", "json", "html"], FORMAT] = "text",
    out: Annotated[Path | None, typer.Option(help="File of the page of --format html.")] = None,
    turn: Annotated[
        int | None, typer.Option(min=1, help="Show this turn only, counted from 1.")
    ] = None,
    record: Annotated[
        int | None, typer.Option(min=0, help="Show this record only, counted from 0.")
    ] = None,
    names: Annotated[
        str, typer.Option(help="Names that agents should pass on, separated by commas.")
    ] = "",
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Print moves as they are recorded, until Ctrl-C; with --format json, records.",
        ),
    ] = False,
) -> None:
    """Shows a recorded flow turn by turn: who had control, and who said what to whom.

    The page of --format html is one file that loads nothing; each of its moves has a link, such
    as `#turn-2/record-31`.
    """
    facts = [name.strip() for name in names.split(",") if name.strip()]
    _check(view, form, out, turn is not None or record is not None, follow)
    if turn is not None and record is not None:
        raise AdkFlowError("give either --turn or --record, and not both")
    if follow and view != "records":
        _follow(logs, view, form)
    if turn is None and record is None and (form == "text" or view == "records"):
        log = open_story(logs)
        _stream(log, view, form, facts)
        if form == "text" and any(path.is_dir() for path in logs):  # which of them it was
            print(plain(f"\nFlow log: {log.path}"))
        return
    trace = trace_log(load_story(logs))
    _check_part(trace, turn or 0, -1 if record is None else record)
    if form == "html":
        _write_page(trace, facts, out)
    if form != "text":
        # A machine reads stdout, so damage is reported on stderr.
        print_damage(trace.log, plain_console(sys.stderr))
    if record is not None:
        _print_record(trace, record, form)
    elif form != "html":
        _print(trace, view, form, turn or 0, facts)


def _stream(log: Log | LogFile, view: View, form: str, names: Sequence[str]) -> None:
    """Prints a log as it is read."""
    if view != "records":
        print_flow(log, plain_console(), view, names=names)
        return
    _print_records(enumerate(log.records), form)
    print_damage(log, plain_console(sys.stderr if form == "json" else None))


def _check(view: str, form: str, out: Path | None, is_part: bool, follow: bool) -> None:
    if view == "records" and form == "mermaid":
        raise AdkFlowError("records have no diagram; take --format text or json")
    if form == "html" and (view != "both" or is_part):
        raise AdkFlowError("a page shows all of a flow; leave out --view, --turn and --record")
    if out is not None and form != "html":
        raise AdkFlowError("is the file of --format html", argument="out", value=out)
    if follow and (form not in ("text", "json") or view == "records" or is_part):
        raise AdkFlowError(
            "--follow prints moves as text, or records as JSON; give it --view or --format json"
        )


def _check_part(trace: Trace, turn: int, record: int) -> None:
    turns, records = len(trace.turns), len(trace.log.records)
    if turn > turns:
        raise AdkFlowError(f"the log has {plural(turns, 'turn')}", argument="turn", value=turn)
    if record >= records:
        there = plural(records, "record")
        raise AdkFlowError(f"the log has {there}", argument="record", value=record)


def _print(trace: Trace, view: View, form: str, turn: int, names: Sequence[str]) -> None:
    log = trace.log
    if view == "records":
        shown = (i for each in trace.turns if each.number == turn for i in trace.records_of(each))
        _print_records(((i, log.records[i]) for i in shown), form, log.records[0].time)
        if form == "text":
            print_damage(log, plain_console())
    elif form == "json":
        from adk_flow.render.flow_json import flow_to_data

        print_json("show", flow_to_data(trace, view, turn, names))
    elif form == "mermaid":
        from adk_flow.render.mermaid import sequence_diagram

        moves = (move for move in trace.moves if turn in (0, move.turn))
        print(sequence_diagram(moves, view), end="")
    else:
        print_flow(log, plain_console(), view, turn, names)


def _print_records(records: Iterable[tuple[int, Record]], form: str, began: int = 0) -> None:
    if form != "json":
        print_records(records, plain_console(), began)
        return
    for _, record in records:
        print_json("record", record)


def _print_record(trace: Trace, index: int, form: str) -> None:
    record = trace.log.records[index]
    _print_records([(index, record)], form, trace.log.records[0].time)
    if form == "json":
        return
    printer = MovePrinter(plain_console())
    for move in trace.moves:
        if move.record == index:
            printer.print(move)
    text = msgspec.json.format(msgspec.json.encode(record)).decode()
    print(f"\n{plain(text)}")


def _write_page(trace: Trace, names: Sequence[str], out: Path | None) -> None:
    from adk_flow.render.page import trace_to_html

    page = trace_to_html(trace, findings=list_findings(trace, names))
    if out is None or is_standard_output(out):
        print(page, end="")
        return
    write_private_text(out, page)
    print(f"Page: {encodable(str(out))}")


def _follow(paths: Sequence[Path], view: FlowView, form: str) -> NoReturn:
    """Prints the newest session as far as it is recorded, then what is recorded in any."""
    from adk_flow.render.narration import Narrator
    from adk_flow.watch.sessions import TICK, WatchedFolder

    if len(paths) > 1:
        raise AdkFlowError("--follow takes one folder or log")
    folder = WatchedFolder(paths[0])
    narrate = Narrator(sys.stdout, view)
    while list(folder.look()):  # a long log comes in pieces
        continue
    newest = max(folder.sessions.values(), key=lambda session: session.began, default=None)
    new = [(newest, newest.log.records)] if newest else []
    while True:
        for session, records in new:
            for record in records:
                if form == "json":
                    print_json("record", record)
                else:
                    narrate(session.log.header, record)
        sys.stdout.flush()
        time.sleep(TICK)
        new = list(folder.look())
