"""`adk-flow watch`: a page on which flows are seen while they happen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from adk_flow.cli.output import report_errors
from adk_flow.errors import AdkFlowError


def watch_flows(
    logs: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|LOG]",
            help="Flow logs to show; by default ADK_FLOW_DIR or flow_logs.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any that is free.")] = 0,
) -> None:
    """Shows flows on a page while they happen, of any app that records into the folder.

    Prints the address, which only this machine can open and which holds a secret: whoever has it
    reads what was said. Ctrl-C ends it.
    """
    from adk_flow.watch.server import serve

    root = logs or Path(os.environ.get("ADK_FLOW_DIR") or "flow_logs")
    with report_errors():
        if logs is not None and not logs.exists():
            raise AdkFlowError(f"{logs}: no such folder or flow log")
        asyncio.run(serve(root, _announce, port))


def _announce(address: str) -> None:
    print(f"Flows: {address}", flush=True)
