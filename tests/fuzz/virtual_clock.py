"""An event loop whose clock jumps to the next timer, and the recorder's clock bound to it."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Lets the loop's time pass instead of waiting."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("the loop would wait forever")
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in which a sleep takes no real time, and nothing else takes any time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


@contextmanager
def _clock_of(loop: VirtualLoop) -> Iterator[None]:
    """Binds the clock that the recorder reads to a loop's."""
    real = time.perf_counter_ns
    time.perf_counter_ns = lambda: round(loop.now * 1e9)
    try:
        yield
    finally:
        time.perf_counter_ns = real


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on a virtual clock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        with _clock_of(loop):
            return runner.run(main)
