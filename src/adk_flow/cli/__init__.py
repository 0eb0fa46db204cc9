"""The command `adk-flow`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from adk_flow.cli.examples import EXAMPLES
from adk_flow.cli.output import USAGE_ERROR, print_note, report_errors, stop_printing
from adk_flow.cli.signals import ended_by_signals

COMMANDS = {
    "run": "run.run_app",
    "plan": "plan.plan_conversation",
    "show": "show.show_flow",
    "watch": "watch.watch_flows",
    "compare": "comparison.compare_constructs",
    "merge": "comparison.merge_folders",
    "check": "check.check_flow",
    "diff": "diff.show_diff",
    "inspect": "inspect.show_agents",
    "wire": "wiring.write_wiring",
    "init": "inspect.init_app",
    "export": "export.export_tables",
    "versions": "versions.compare_releases",
    "laws": "laws.show_laws",
    "predict": "laws.predict_constructs",
    "mcp": "mcp.serve_tools",
}
"""The function of each, in its module."""

_USAGE_ERRORS: Any = typer.BadParameter.__base__
"""Of click, of which Typer has its own copy since 0.25."""


def make_command(words: Sequence[str] = ()) -> typer.Typer:
    """Makes the command as far as its words need it: others are not loaded, which takes longer.

    Without words it has all; where they name none, all are listed.
    """
    named = [word for word in words[:1] if word in COMMANDS]
    is_listed = bool(words) and not named and words[0] != "--"
    command = typer.Typer(
        help="Shows how control and conversation move between the agents of an ADK application.",
        callback=_print_version,
        invoke_without_command=True,
        add_completion=not named,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name in named or COMMANDS:
        cls, function = (None, _print_version) if is_listed else _load(name)
        purpose, epilog = EXAMPLES[name].purpose, EXAMPLES[name].epilog
        command.command(name, cls=cls, short_help=purpose, epilog=epilog)(function)
    return command


def _load(name: str) -> tuple[type[Any] | None, Callable[..., object]]:
    """Gives a command's class, if it has one of its own, and its function."""
    file, function = COMMANDS[name].split(".")
    module = import_module(f"adk_flow.cli.{file}")
    return getattr(module, "WatchCommand", None), report_errors()(getattr(module, function))


def _print_version(
    shows: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the versions and exit.")
    ] = False,
) -> None:
    if shows:
        from importlib.metadata import version  # slow to import

        print(f"adk-flow {version('adk-flow')}, google-adk {version('google-adk')}")
        raise typer.Exit


def _nowhere() -> TextIOWrapper:
    return Path(os.devnull).open("w")


def main() -> None:
    """Runs the command."""
    # Python has none where one is closed (`>&-`), and what prints asks whether it is a terminal.
    sys.stdout, sys.stderr = (each or _nowhere() for each in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as `?`, and never ends the command.
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] or ["--help"]
    try:
        with ended_by_signals():
            # What is loaded, and what is read of a log, stays: looking for garbage is for little.
            gc.set_threshold(10_000)
            is_completing = "_ADK_FLOW_COMPLETE" in os.environ
            command = make_command([] if is_completing else words)
            gc.freeze()
            code = command(words, "adk-flow", standalone_mode=False)
            sys.stdout.flush()
    except _USAGE_ERRORS as error:
        from adk_flow.cli.usage_errors import describe_usage

        print_note(describe_usage(error, words))
        code = USAGE_ERROR
    except BrokenPipeError:
        stop_printing()
        code = 1  # as Typer ends a command that was still printing
    except OSError as error:
        # Where a file is named, it was looked for: writers tell of theirs in their own words.
        place = f"{error.filename}: cannot be read" if error.filename else "cannot write"
        print_note(f"{place}: {error.strerror or error}")
        code = USAGE_ERROR if error.filename else 1
    except RuntimeError as error:
        if not str(error).startswith("Symlink loop"):  # pathlib before Python 3.13
            raise
        print_note(f"{error}: cannot be read")
        code = USAGE_ERROR
    sys.exit(code)
