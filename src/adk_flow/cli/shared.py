"""What the commands share: errors on one line, and a console that takes no text for markup."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BufferedWriter, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import typer

from adk_flow._text import one_line
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import LogError, is_flow_log

USAGE_ERROR = 2
INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has ended, as a shell gives it."""


@contextmanager
def apart(*, harmless: bool) -> Iterator[None]:
    """Sends what an app prints to stderr, so that stdout holds what the command writes.

    Args:
      harmless: whether to break what GitHub would take for commands, which it reads off stderr too.
    """
    lines = _Harmless(sys.stderr)
    kept = TextIOWrapper(BufferedWriter(lines), errors="replace", line_buffering=True)
    stream = kept if harmless else sys.stderr
    with redirect_stdout(stream), redirect_stderr(stream):
        try:
            yield
        finally:
            kept.flush()
            lines.finish()


class _Harmless(RawIOBase):
    """A stream of lines without `::` and `##[`, which begin GitHub's workflow commands."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rest = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        for line in lines:
            broken = line.replace(b"::", b": :").replace(b"##[", b"## [")
            print(broken.decode(errors="replace"), file=self._stream)
        return len(data)

    def finish(self) -> None:
        """Writes a last line that has no end."""
        if self._rest:
            self.write(b"\n")


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns what a user can mend into one line on stderr and exit code 2."""
    try:
        yield
    except AdkFlowError as error:
        tell(_with_flag(error))
        raise typer.Exit(USAGE_ERROR) from error


_FLAGS = {
    "calls": "max-calls",
    "dollars": "budget",
    "endpoint": "otlp",
    "folder": "out",
    "release": "adk",
}
"""Options that are named otherwise than the parameter that they give."""


def _with_flag(error: AdkFlowError) -> str:
    """Names the option at fault in place of the parameter."""
    flag = _FLAGS.get(error.argument, error.argument).replace("_", "-")
    return f"--{flag}{str(error).removeprefix(error.argument)}" if flag else str(error)


def tell(words: str) -> None:
    """Prints one line on stderr."""
    print(f"adk-flow: {one_line(words, 500)}", file=sys.stderr)


def quieten_adk() -> None:
    """Keeps ADK's own warnings from the output; what fails in a run stands in its log."""
    warnings.filterwarnings("ignore", module=r"google\.")
    warnings.filterwarnings("ignore", message=r"\[EXPERIMENTAL\]")
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)


def newest_log(folder: Path) -> Path:
    """Finds the flow log of a folder that was written last, among whatever else is there.

    Raises:
      LogError: it holds none.
    """
    logs = [path for path in folder.rglob("*.jsonl") if path.is_file()]
    logs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    found = next(filter(is_flow_log, logs), None)
    if found is None:
        raise LogError(f"{folder}: holds no flow log (*.jsonl)")
    return found
