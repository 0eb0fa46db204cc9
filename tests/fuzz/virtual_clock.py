"""A loop on a virtual clock, with the recorder's clock bound to it."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest.mock import patch

from adk_flow.run.virtual_time import VirtualLoop

T = TypeVar("T")


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on a virtual clock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop: Any = runner.get_loop()
        with patch.object(time, "perf_counter_ns", lambda: round(loop.now * 1e9)):
            return runner.run(main)
