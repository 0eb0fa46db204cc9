"""Trials made in several processes: this one, and others that are started beside it.

What a process needs to begin is imported here; ADK, whose import takes seconds, only as it works,
so that it ends at once if this one does.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import active_children, get_context, parent_process, resource_tracker
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from adk_flow.comparison.store import Trial
from adk_flow.errors import AdkFlowError

_OF_THE_FIRST = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
"""Signals that a terminal sends every process, and that are the first one's to heed."""
Made = TypeVar("Made")
_LARGEST_BATCH = 4
_AHEAD = 2
"""Batches that a process has, of which it makes one."""
_MOST_DEATHS = 3
_PAYING = 50
"""Trials for which a process more is worth the seconds that it takes to import ADK."""


def choose_processes(trials: int, jobs: int | None) -> int:
    """Says how many processes make so many trials; by default as many as pay, up to the cores."""
    if jobs is None:
        affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        return max(1, min(cores, trials // _PAYING))
    return min(jobs, trials)


def split_trials(
    trials: Sequence[Trial], workers: int, largest: int = _LARGEST_BATCH
) -> list[list[Trial]]:
    """Splits trials into batches, several a worker, so that all end at about the same time."""
    size = max(1, min(largest, len(trials) // (workers * 4)))
    return [list(trials[n : n + size]) for n in range(0, len(trials), size)]


class Workers:
    """Processes beside this one, which load ADK before it is known what they make.

    They end with a `with` block: in good order, or at once if an error ends it.
    """

    def __init__(self, number: int) -> None:
        """Starts so many."""
        self._number = number
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # In a thread, as the handler of a signal would stop the main one with a process half begun.
        with ThreadPoolExecutor(1) as starter:
            return starter.submit(_spawn, self._number).result()

    def __enter__(self) -> Workers:
        """Gives itself."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Ends them."""
        if error is not None:
            for child in active_children():
                child.kill()
        self._pool.shutdown(wait=error is not None, cancel_futures=True)

    def make(
        self,
        trials: Sequence[Trial],
        far: Callable[[list[Trial]], Made],
        here: Callable[[list[Trial]], Made],
    ) -> Iterator[tuple[Made, bool]]:
        """Makes trials batch by batch, some in this process; says of each whether in another.

        Those of a process that dies are made again, and none here from then on.

        Args:
          trials: which to make.
          far: makes a batch in another process, which gets it pickled.
          here: makes a batch in this one.

        Raises:
          AdkFlowError: processes die again and again; or what `far` or `here` raises.
        """
        left, deaths = dict.fromkeys(trials), 0
        while left:
            first, before = next(iter(left)), len(left)
            try:
                for batch, made, is_far in self._share(list(left), far, None if deaths else here):
                    for trial in batch:
                        del left[trial]
                    yield made, is_far
            except BrokenProcessPool:
                deaths = deaths + 1 if len(left) == before else 1
                self._pool = self._start()
            if deaths == _MOST_DEATHS:
                raise AdkFlowError(
                    f"a process that ran {first.construct} with {first.conversation}, or another "
                    f"at the same time, died, {deaths} times in a row; run them in one process to "
                    "see why"
                )

    def _share(
        self,
        trials: list[Trial],
        far: Callable[[list[Trial]], Made],
        here: Callable[[list[Trial]], Made] | None,
    ) -> Iterator[tuple[list[Trial], Made, bool]]:
        """Gives each batch when it is made; this process makes some, too."""
        waiting = deque(split_trials(trials, self._number + 1))
        pending: dict[Future[Made], list[Trial]] = {}
        while waiting or pending:
            while waiting and len(pending) < self._number * _AHEAD:
                batch = waiting.popleft()
                pending[self._pool.submit(far, batch)] = batch
            own = waiting.popleft() if waiting and here else None
            if own and here:
                yield own, here(own), False
            for task in wait(pending, 0 if own else None, FIRST_COMPLETED).done:
                yield pending.pop(task), task.result(), True


def _spawn(number: int) -> ProcessPoolExecutor:
    """Starts processes, which inherit this thread's signals, and has each load ADK."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_FIRST)
    # Here and there: OpenBLAS starts a thread for each core, which spins between two products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Python's own, which counts what processes share, complains of what one that is killed leaves.
    sys.warnoptions.append(f"ignore::UserWarning:{resource_tracker.__name__}")
    begun = Path.cwd(), logging.getLogger("google_adk").level
    pool = ProcessPoolExecutor(number, get_context("spawn"), _begin, begun)
    main = sys.modules["__main__"]
    # Each process would run the main module again (multiprocessing/spawn.py), which may be a
    # script that calls this.
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        for _ in range(number):
            pool.submit(import_module, "adk_flow.comparison.trials")
    finally:
        sys.modules["__main__"] = main
        sys.warnoptions.pop()
    return pool


def _begin(folder: Path, level: int) -> None:
    """Prepares a process of the pool."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(signal, "pthread_sigmask"):
        for number in _OF_THE_FIRST:
            signal.signal(number, lambda number, frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OF_THE_FIRST)  # for what the app starts
    os.chdir(folder)
    os.dup2(2, 1)  # what an app prints is no result of the command
    warnings.simplefilter("ignore")  # the first process has loaded the same, and told
    logging.getLogger("google_adk").setLevel(level)


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
