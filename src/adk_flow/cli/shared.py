"""What the commands share: errors on one line, and a console that takes no text for markup."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer
from rich.console import Console

from adk_flow.log import LogError
from adk_flow.problem import Problem
from adk_flow.views.plain import one_line

USAGE_ERROR = 2
INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has ended, as a shell gives it."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns what a user can mend into one line on stderr and exit code 2."""
    try:
        yield
    except Problem as error:
        tell(str(error))
        raise typer.Exit(USAGE_ERROR) from error


def tell(words: str) -> None:
    """Prints one line on stderr."""
    print(f"adk-flow: {one_line(words, 500)}", file=sys.stderr)


def plain_console(stream: TextIO | None = None) -> Console:
    """Makes a console that prints text as it is."""
    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False)


def quieten_adk() -> None:
    """Keeps ADK's own warnings from the output; what fails in a run stands in its log."""
    warnings.filterwarnings("ignore", module=r"google\.")
    warnings.filterwarnings("ignore", message=r"\[EXPERIMENTAL\]")
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)


def newest_log(folder: Path) -> Path:
    """Finds the log of a folder that was written last.

    Raises:
      LogError: it holds none.
    """
    logs = [path for path in folder.rglob("*.jsonl") if path.is_file()]
    logs.sort(key=lambda path: path.stat().st_mtime)
    if not logs:
        raise LogError(f"{folder}: holds no flow log (*.jsonl)")
    return logs[-1]
