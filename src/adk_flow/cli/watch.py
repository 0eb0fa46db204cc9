"""`adk-flow watch`: a page on which flows are seen while they happen."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand

from adk_flow.cli.options import FORMAT, TextFormat
from adk_flow.cli.output import print_json
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import is_flow_log

_PATIENCE = 0.6
"""Seconds in which the other command may end by itself."""


class WatchCommand(TyperCommand):
    """A command whose `--with` takes all that follows, options of another program too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keeps the other command apart."""
        if "--with" in args and "--help" not in args[: args.index("--with")]:
            at = args.index("--with")
            ctx.obj, args = args[at + 1 :], [*args[:at], "--with"]
        return super().parse_args(ctx, args)


def watch_flows(
    context: typer.Context,
    logs: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|LOG]",
            help="Flow logs to show; by default ADK_FLOW_DIR or flow_logs.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any that is free.")] = 0,
    beside: Annotated[
        bool,
        typer.Option(
            "--with",
            metavar="COMMAND...",
            help="Run a command beside it, such as `--with adk web .`, and end with it.",
        ),
    ] = False,
    form: Annotated[TextFormat, FORMAT] = "text",
) -> None:
    """Shows flows on a page while they happen, of any app that records into the folder.

    Prints the address, which only this machine can open and which holds a secret: whoever has it
    reads what was said. Ctrl-C ends it. An app that `--with adk web` runs is recorded whether it
    has a FlowPlugin or not.
    """
    root = logs or Path(os.environ.get("ADK_FLOW_DIR") or "flow_logs")
    if logs is not None and not (beside or logs.exists()):
        raise AdkFlowError(f"{logs}: no such folder or flow log")
    if logs is not None and logs.is_file() and not is_flow_log(logs):
        raise AdkFlowError(f"{logs}: is no flow log; expected one, or a folder of them")
    if beside and not context.obj:
        raise AdkFlowError("--with needs a command, such as: --with adk web .")
    code = asyncio.run(_serve(root.resolve(), port, context.obj if beside else (), form))
    raise typer.Exit(code)


async def _serve(root: Path, port: int, words: Sequence[str], form: TextFormat) -> int:
    """Serves the page until the other command ends, whose exit code it gives."""
    from adk_flow.watch.server import serve

    page = asyncio.create_task(serve(root, partial(_announce, root, form), port))
    await asyncio.sleep(0)  # so that its address stands before what the other prints
    if page.done() or not words:
        await page
        return 0
    process = await _start(words, root, sys.stderr if form == "json" else None)
    other = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({page, other}, return_when=asyncio.FIRST_COMPLETED)
        if page.done():
            await page
        return await other
    finally:
        page.cancel()
        await _end(process)


async def _start(
    words: Sequence[str], root: Path, out: TextIO | None
) -> asyncio.subprocess.Process:
    environment = {**os.environ, "ADK_FLOW_DIR": str(root)}
    try:
        return await asyncio.create_subprocess_exec(*_recorded(words), env=environment, stdout=out)
    except OSError as error:
        raise AdkFlowError(f"{words[0]}: cannot be run: {error.strerror or error}") from error


def _recorded(words: Sequence[str]) -> Sequence[str]:
    """Has ADK's servers record; an app's own FlowPlugin goes first, and this one does nothing."""
    is_server = Path(words[0]).stem == "adk" and words[1:2] in (["web"], ["api_server"])
    if not is_server or any(word.startswith("--extra_plugins") for word in words):
        return words
    return [*words[:2], "--extra_plugins", "adk_flow.FlowPlugin", *words[2:]]


async def _end(process: asyncio.subprocess.Process) -> None:
    for signal in (process.terminate, process.kill):
        with suppress(ProcessLookupError, TimeoutError):
            signal()
            await asyncio.wait_for(process.wait(), _PATIENCE)


def _announce(root: Path, form: TextFormat, address: str) -> None:
    if form == "json":
        print_json("watch", {"address": address, "folder": str(root), "pid": os.getpid()})
    else:
        print(f"Flows: {address}")
    sys.stdout.flush()
