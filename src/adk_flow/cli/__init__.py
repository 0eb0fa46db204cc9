"""The command `adk-flow`."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from adk_flow.cli.check import check_flow
from adk_flow.cli.comparison import compare_constructs
from adk_flow.cli.diff import show_diff
from adk_flow.cli.export import export_tables
from adk_flow.cli.init import init_app
from adk_flow.cli.inspect import show_agents
from adk_flow.cli.plan import plan_conversation
from adk_flow.cli.run import run_app
from adk_flow.cli.show import show_flow
from adk_flow.cli.signals import ended_by_signals
from adk_flow.cli.versions import compare_releases
from adk_flow.cli.watch import watch_flows

command = typer.Typer(
    help="Shows how control and conversation move between the agents of an ADK application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_COMMANDS = {
    "run": run_app,
    "plan": plan_conversation,
    "show": show_flow,
    "watch": watch_flows,
    "compare": compare_constructs,
    "check": check_flow,
    "diff": show_diff,
    "inspect": show_agents,
    "init": init_app,
    "export": export_tables,
    "versions": compare_releases,
}
for _name, _function in _COMMANDS.items():
    command.command(_name)(_function)


def main() -> None:
    """Runs the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as `?`, and never ends the command.
            stream.reconfigure(errors="replace")
    try:
        with ended_by_signals():
            command()
    except OSError as error:
        sys.exit(f"adk-flow: cannot write: {error.strerror or error}")
