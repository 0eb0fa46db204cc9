"""The command `adk-flow`."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from adk_flow.cli.check import check
from adk_flow.cli.compare import compare
from adk_flow.cli.diff import diff
from adk_flow.cli.export import export
from adk_flow.cli.init import init
from adk_flow.cli.inspect import inspect
from adk_flow.cli.run import run
from adk_flow.cli.shared import INTERRUPTED, tell
from adk_flow.cli.show import show
from adk_flow.cli.versions import versions

command = typer.Typer(
    help="Shows how control and conversation move between the agents of an ADK application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for subcommand in (run, show, compare, check, diff, inspect, init, export, versions):
    command.command()(subcommand)


def main() -> None:
    """Runs the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as `?`, and never ends the command.
            stream.reconfigure(errors="replace")
    try:
        command()
    except KeyboardInterrupt:
        tell("stopped")
        sys.exit(INTERRUPTED)
    except OSError as error:
        sys.exit(f"adk-flow: cannot write: {error.strerror or error}")
