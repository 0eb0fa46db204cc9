"""Processes that begin with ADK and the command loaded: forks of one that has imported them.

A new interpreter imports both for seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple, TextIO

from tests.doubles.pages import ROOT

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.doubles.loaded"])
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Forked(NamedTuple):
    """A process, and what it writes."""

    process: ForkServerProcess
    stdout: TextIO
    stderr: TextIO

    def send_signal(self, number: int) -> None:
        """Sends a signal."""
        assert self.process.pid
        os.kill(self.process.pid, number)

    def wait(self, timeout: float = 60) -> int | None:
        """Waits for its end; gives its exit code, or minus the signal that ended it."""
        self.process.join(timeout)
        return self.process.exitcode


@contextmanager
def forked(
    main: Callable[[], object], *words: object, folder: Path = ROOT, **environment: str
) -> Iterator[Forked]:
    """Runs what a module names in a process, with words as its arguments; ends it at the end."""
    outputs = [_CONTEXT.Pipe(duplex=False) for _ in range(2)]
    argv = [main.__name__, *map(str, words)]
    process = _CONTEXT.Process(
        target=_run,
        args=[main, argv, folder, {**os.environ, **environment}, [w for _, w in outputs]],
    )
    process.start()
    for _, writer in outputs:
        writer.close()
    streams = [os.fdopen(os.dup(reader.fileno()), encoding="utf-8") for reader, _ in outputs]
    try:
        yield Forked(process, *streams)
    finally:
        process.kill()
        process.join()
        for stream, (reader, _) in zip(streams, outputs, strict=True):
            stream.close()
            reader.close()


def _run(
    main: Callable[[], object],
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    outputs: Sequence[Connection],
) -> None:
    """Does in the fork what an interpreter does at its start, then what is to be run."""
    for name, number, output in zip(("stdout", "stderr"), (1, 2), outputs, strict=True):
        os.dup2(output.fileno(), number)
        output.close()
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    # A shell that runs the tests in the background, or nohup, has some ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = argv
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *sys.path]
    main()
