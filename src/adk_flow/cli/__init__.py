"""The command `adk-flow`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from adk_flow.cli.signals import ended_by_signals

_COMMANDS = {
    "run": "run_app",
    "plan": "plan_conversation",
    "show": "show_flow",
    "watch": "watch_flows",
    "compare": "compare_constructs",
    "check": "check_flow",
    "diff": "show_diff",
    "inspect": "show_agents",
    "init": "init_app",
    "export": "export_tables",
    "versions": "compare_releases",
    "laws": "show_laws",
    "predict": "predict_constructs",
    "mcp": "serve_tools",
}
"""The function of each, in the module of its name."""
_MODULES = {"compare": "comparison"}


def make_command(words: Sequence[str] = ()) -> typer.Typer:
    """Makes the command as far as its words need it: others are not loaded, which takes longer."""
    named = [word for word in words[:1] if word in _COMMANDS]
    command = typer.Typer(
        help="Shows how control and conversation move between the agents of an ADK application.",
        callback=_print_version,
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=not named,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name in named or _COMMANDS:
        module = import_module(f"adk_flow.cli.{_MODULES.get(name, name)}")
        cls = getattr(module, "WatchCommand", None)
        command.command(name, cls=cls)(getattr(module, _COMMANDS[name]))
    return command


def _print_version(
    shows: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the versions and exit.")
    ] = False,
) -> None:
    if shows:
        print(f"adk-flow {version('adk-flow')}, google-adk {version('google-adk')}")
        raise typer.Exit


def main() -> None:
    """Runs the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as `?`, and never ends the command.
            stream.reconfigure(errors="replace")
    try:
        with ended_by_signals():
            command = make_command(sys.argv[1:])
            # What is loaded, and what is read of a log, stays: looking for garbage is for little.
            gc.freeze()
            gc.set_threshold(50_000)
            command()
    except OSError as error:
        sys.exit(f"adk-flow: cannot write: {error.strerror or error}")
