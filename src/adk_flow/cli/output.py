"""What commands write besides their result: errors on one line, and what an app prints."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import Any, ClassVar, TextIO

import typer

from adk_flow._text import join_names, one_line
from adk_flow.errors import AdkFlowError
from adk_flow.render.documents import to_json

USAGE_ERROR = 2

_LACKING_KEY = re.compile("Context variable not found: `([^`]+)`")
"""What ADK says of a key that an instruction names (2.13, utils/instructions_utils.py)."""
_OPTIONS = {
    "calls": "max-calls",
    "dollars": "budget",
    "endpoint": "otlp",
    "file": "out",
    "folder": "out",
    "release": "adk",
}
"""Options that are named otherwise than the parameter that they give."""


@contextmanager
def report_errors() -> Iterator[None]:
    """Turns an error that a user can mend into one line on stderr and exit code 2."""
    try:
        yield
    except AdkFlowError as error:
        # The option at fault is named in place of the parameter.
        option = _OPTIONS.get(error.argument, error.argument).replace("_", "-")
        words = str(error).removeprefix(error.argument)
        print_note(f"--{option}{words}" if option else words)
        raise typer.Exit(USAGE_ERROR) from error


def print_note(words: str) -> None:
    """Prints one line on stderr."""
    print(f"adk-flow: {one_line(words, 500)}", file=sys.stderr)


def mention_state(reasons: Iterable[str]) -> None:
    """Says which option gives the state keys that instructions lack."""
    lacking = dict.fromkeys(key for reason in reasons for key in _LACKING_KEY.findall(reason))
    if lacking:
        example = ", ".join(f'"{key}": "…"' for key in lacking)
        print_note(f"the session's state lacks {join_names(lacking)}: --state '{{{example}}}'")


def print_json(kind: str, data: Any) -> None:
    """Prints a result on one line."""
    print(to_json(kind, data))


def stop_printing() -> None:
    """Sends what is still to be printed nowhere, for nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _LostTools(logging.Handler):
    """Prints once that tools could not be loaded, without which ADK runs an agent all the same."""

    said: ClassVar[set[str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Passes over whatever else is logged."""
        words = record.getMessage().replace("Agent <unknown>", "an agent")
        if "will run without the tools from toolset" in words and words not in self.said:
            self.said.add(words)
            print_note(words)


_LOST_TOOLS = _LostTools()


def silence_adk() -> None:
    """Keeps ADK's own warnings from the output; errors of a run stand in its log."""
    warnings.filterwarnings("ignore", module=r"google\.")
    warnings.filterwarnings("ignore", message=r"\[EXPERIMENTAL\]")
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)
    agents = logging.getLogger("google_adk.google.adk.agents.llm_agent")  # where it says so (2.13)
    agents.addHandler(_LOST_TOOLS)
    agents.setLevel(logging.ERROR)
    agents.propagate = False


@contextmanager
def app_output_on_stderr(form: str = "") -> Iterator[None]:
    """Sends what an app prints to stderr, so that stdout holds the command's result only.

    Args:
      form: of the result; with `text`, for a reader, an app prints where it likes; with `github`,
        which reads stderr too, what an app prints starts no workflow command.
    """
    if form == "text":
        yield
        return
    lines = _WithoutCommands(sys.stderr)
    kept = TextIOWrapper(BufferedWriter(lines), errors="replace", line_buffering=True)
    stream = kept if form == "github" else sys.stderr
    with redirect_stdout(stream), redirect_stderr(stream), _processes_on_stderr():
        try:
            yield
        finally:
            kept.flush()
            lines.finish()


@contextmanager
def _processes_on_stderr() -> Iterator[None]:
    """Sends to stderr what processes print that an app starts, as its tools may."""
    if sys.__stdout__ is None:  # closed by who started the command
        yield
        return
    stdout, stderr = (stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream)
    kept = os.dup(stdout)
    try:
        os.dup2(stderr, stdout)
        yield
    finally:
        os.dup2(kept, stdout)
        os.close(kept)


class _WithoutCommands(RawIOBase):
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
