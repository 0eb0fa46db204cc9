"""Processes that begin with ADK and the command loaded: forks of one that has imported them.

A new interpreter imports both for seconds.
"""

import atexit
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO, NamedTuple

from tests.doubles.command import PATH, Finished
from tests.doubles.pages import ROOT

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.doubles.loaded"])


class Forked(NamedTuple):
    """A process, and what it writes."""

    process: ForkServerProcess
    stdout: IO[str]
    stderr: IO[str]

    def send_signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def wait(self, timeout: float = 60) -> int | None:
        """Waits for its end; gives its exit code, or minus the signal that ended it."""
        self.process.join(timeout)
        return self.process.exitcode


def run_forked(
    main: Callable[[], object], *words: object, folder: Path, **environment: str
) -> Finished:
    """Runs a process to its end."""
    with forked(main, *words, folder=folder, **environment) as run:
        told, code = run.stdout.read(), run.wait()
        assert code is not None, "it goes on"
        return Finished(code, told, run.stderr.read())


@contextmanager
def forked(
    main: Callable[[], object], *words: object, folder: Path = ROOT, **environment: str
) -> Iterator[Forked]:
    """Runs a function of a module in a process, with words as its arguments, and ends that."""
    reader, writer = _CONTEXT.Pipe(duplex=False)
    argv = [main.__name__, *map(str, words)]
    given = {**os.environ, **environment}
    # Without the folders of apps that tests have loaded: another app may have this one's name.
    path = [*filter(None, given.get("PYTHONPATH", "").split(os.pathsep)), *PATH]
    with (
        tempfile.NamedTemporaryFile("r", encoding="utf-8") as errors,
        os.fdopen(os.dup(reader.fileno()), encoding="utf-8") as told,
        reader,
    ):
        process = _CONTEXT.Process(
            target=_run,
            args=[main, argv, folder, given, path, writer, errors.name],
        )
        process.start()
        writer.close()
        try:
            yield Forked(process, told, errors)
        finally:
            process.kill()
            process.join()


def _run(
    main: Callable[[], object],
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    path: Sequence[str],
    told: Connection,
    errors: str,
) -> None:
    """Does in the fork what an interpreter does at its start, then what is to be run."""
    os.dup2(told.fileno(), 1)
    told.close()
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(errors, "w", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115
    os.dup2(sys.stderr.fileno(), 2)
    # A shell that runs the tests in the background, or nohup, has some ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = argv
    sys.path[:] = path
    try:
        main()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        atexit._run_exitfuncs()


class ForkedPeers:
    """In the place of `subprocess`, where `wiring.peers` starts the process of its servers."""

    PIPE, TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired

    class Popen:
        """A process that has the numbered files, and reads what is written to its stdin."""

        def __init__(
            self, words: Sequence[str], *, pass_fds: Sequence[int], env: dict[str, str], **_: object
        ) -> None:
            assert words[-1] == "adk_flow.wiring.server"
            reader, writer = _CONTEXT.Pipe(duplex=False)
            files = {0: reader, **{each: Connection(os.dup(each)) for each in pass_fds}}
            self._process = _CONTEXT.Process(target=_serve, args=[env, files])
            self._process.start()
            for file in files.values():
                file.close()
            self.stdin = os.fdopen(os.dup(writer.fileno()), "wb")
            writer.close()

        def wait(self, timeout: float | None = None) -> int | None:
            self._process.join(timeout)
            if self._process.exitcode is None and timeout is not None:
                raise subprocess.TimeoutExpired("a fork", timeout)
            return self._process.exitcode

        def kill(self) -> None:
            self._process.kill()


def _serve(environment: Mapping[str, str], files: Mapping[int, Connection]) -> None:
    """Gives the fork its files by the numbers that its job names, and has it serve."""
    os.setsid()
    above = {number: fcntl.fcntl(file, fcntl.F_DUPFD, 500) for number, file in files.items()}
    for file in files.values():
        file.close()
    for number, copy in above.items():
        os.dup2(copy, number)
        os.close(copy)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [*environment["PYTHONPATH"].split(os.pathsep), *sys.path]
    warnings.simplefilter("ignore")
    from adk_flow.wiring.server import serve_peers  # of an extra

    serve_peers()
