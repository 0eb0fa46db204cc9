"""A command that a signal ends: one line says what is kept, and the exit code is a shell's."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from adk_flow._text import one_line

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_PATIENCE = 1.0
"""Seconds in which an app may end by itself; one that blocks its loop does not."""

_kept: list[Callable[[], str]] = [lambda: ""]
_is_ending = threading.Lock()


class _Stopped(BaseException):
    """Ends what a command does outside of an event loop; unlike Ctrl-C's, nobody catches it."""


@contextmanager
def keeping(words: Callable[[], str]) -> Iterator[None]:
    """Says what is kept if a signal ends the command here."""
    _kept.append(words)
    try:
        yield
    finally:
        _kept.pop()


def recorded() -> str:
    """Names the log that is being written."""
    recorder = sys.modules.get("adk_flow.record.recorder")
    log = next(iter(recorder.LATEST), None) if recorder else None
    return f"what was recorded is kept in {log}" if log else "nothing was recorded yet"


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Ends the command at Ctrl-C, SIGTERM or SIGHUP: in good order if it can, and soon if not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _Watch()
    # `nohup`, or a shell that put the command in the background, has them ignored.
    heeded = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, watch.stop) for each in heeded}
    try:
        yield
    finally:
        if watch.line:
            with suppress(Exception):
                sys.stdout.flush()
            watch.end()
        for each, handler in before.items():
            signal.signal(each, handler)
        watch.close()


class _Watch:
    """A thread that sees signals while the command is busy, and ends it if it does not end."""

    def __init__(self) -> None:
        self.line = b""
        """What is said at the end, once there is one."""
        self._code = 0
        self._seen, self._sent = os.pipe()
        os.set_blocking(self._sent, False)
        self._outer = signal.set_wakeup_fd(self._sent, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, daemon=True).start()

    def close(self) -> None:
        signal.set_wakeup_fd(self._outer)
        os.close(self._sent)

    def _wait(self) -> None:
        """Waits for a signal, then for a second one or for patience to end."""
        with os.fdopen(self._seen, "rb", buffering=0) as seen:
            signals = (byte[0] for byte in iter(lambda: seen.read(1), b"") if byte[0] in _SIGNALS)
            if (number := next(signals, None)) is None:
                return
            self._note(number)
            timer = threading.Timer(_PATIENCE, self.end)
            timer.daemon = True
            timer.start()
            if next(signals, None) is not None:
                self.end()
            timer.join()  # the command is ending by itself

    def _note(self, number: int) -> None:
        if self.line:
            return
        kept = _kept[-1]()
        line = one_line(f"stopped; {kept}" if kept else "stopped", 500)
        self._code = 128 + number
        self.line = f"adk-flow: {line}\n".encode(errors="replace")

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Ends what runs: every task of a loop, or else whatever it is."""
        self._note(number)
        # What ends in disorder now has nothing to say.
        sys.unraisablehook = lambda unraisable: None
        asyncio: Any = sys.modules.get("asyncio")  # which commands that only read do not load
        try:
            loop = asyncio.get_running_loop()
        except (AttributeError, RuntimeError):
            raise _Stopped from None
        loop.set_exception_handler(lambda loop, context: None)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.call_soon_threadsafe(lambda: None)  # wakes it

    def end(self) -> NoReturn:
        """Says the line and ends the process, whatever still runs in it."""
        if not _is_ending.acquire(blocking=False):
            threading.Event().wait()  # the other thread ends it
        with suppress(OSError):
            # Rich hides the cursor while it draws a bar.
            os.write(2, (b"\r\x1b[K\x1b[?25h" if os.isatty(2) else b"") + self.line)
        os._exit(self._code)
