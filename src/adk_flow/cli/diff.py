"""`adk-flow diff`: what changed between two flow logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adk_flow._text import one_line, plural
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.diff import diff_flows
from adk_flow.cli.options import FORMAT, ReportFormat
from adk_flow.cli.output import print_json, print_note
from adk_flow.cli.paths import load_story, read_logs
from adk_flow.log.story import join_all
from adk_flow.render.diff import diff_to_data, diff_to_markdown, diff_to_text
from adk_flow.render.markdown import escape_markdown
from adk_flow.render.terminal import plain_console


def show_diff(
    before: Annotated[Path, typer.Argument(metavar="LOG", help="A flow log, or a folder of them.")],
    after: Annotated[
        Path, typer.Argument(metavar="LOG", help="The log or folder to compare it with.")
    ],
    form: Annotated[ReportFormat, FORMAT] = "text",
) -> None:
    """Shows what changed in control, conversation and metrics; times are left out.

    Of two folders it compares each conversation, the newest session in which the user says the
    same; of a folder and a log the newest session. Exits with 1 if anything changed.
    """
    pairs = _pairs(before, after)
    has_changed = False
    for was, now in pairs:
        difference = diff_flows(was, now)
        has_changed |= bool(difference.turns)
        if form == "json":
            print_json("diff", diff_to_data(difference, was.log, now.log))
            continue
        if len(pairs) > 1:
            words = one_line(f"{was.log.path} -> {now.log.path}", 1000)
            print(f"## {escape_markdown(words)}\n" if form == "markdown" else words)
        if form == "markdown":
            print(diff_to_markdown(difference, was, now))
        else:
            print(diff_to_text(difference, was.log, now.log, plain_console().width))
    if has_changed:
        raise typer.Exit(1)


def _pairs(before: Path, after: Path) -> list[tuple[Trace, Trace]]:
    """Gives what is to be compared: of folders the conversations that both have, if any."""
    if before.is_dir() and after.is_dir():
        sides = [_conversations(folder) for folder in (before, after)]
        shared = [asked for asked in sides[0] if asked in sides[1]]
        if not shared:
            print_note("no conversation is in both folders; the newest of each are compared")
        for folder, side in zip((before, after), sides, strict=True):
            if shared and len(side) > len(shared):
                only = plural(len(side) - len(shared), "conversation")
                print_note(f"{folder}: {only} left out, as only it has them")
        if shared:
            return [(sides[0][asked], sides[1][asked]) for asked in shared]
    was, now = (trace_log(load_story([path])) for path in (before, after))
    return [(was, now)]


def _conversations(folder: Path) -> dict[tuple[str, ...], Trace]:
    """Gives a folder's sessions by what the user says, of several alike the newest."""
    logs = sorted(join_all(list(read_logs([folder]))), key=lambda log: log.header.time)
    return {tuple(turn.question for turn in trace.turns): trace for trace in map(trace_log, logs)}
