"""An event loop whose clock jumps to the next timer, so that waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from concurrent.futures import Executor
from typing import Any


class _Selector(selectors.DefaultSelector):
    """Lets the loop's time pass instead of waiting, where nothing outside of it could happen."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        # One file is the loop's own; others are sockets, behind which another process works.
        if len(self.get_map()) > 1:
            began = time.monotonic()
            ready = super().select(timeout)
            self.loop.now += time.monotonic() - began
            return ready
        ready = super().select(timeout if self.loop.threads or not timeout else 0)
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in which a sleep takes no real time, and nothing else takes any of its time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Gives the loop's time in seconds."""
        return self.now

    def run_in_executor(self, executor: Executor | None, func: Any, *args: Any) -> Any:
        """Waits for real while a thread works."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._end_thread)
        return future

    def _end_thread(self, future: Any) -> None:
        self.threads -= 1
