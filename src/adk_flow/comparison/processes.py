"""Trials made in several processes, each with an event loop of its own.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from types import ModuleType

from adk_flow.comparison.store import Trial, TrialStore
from adk_flow.errors import AdkFlowError

_LARGEST_BATCH = 8
_MOST_DEATHS = 3
_PAYING = 50
"""Trials for which a process more is worth the seconds that it takes to import ADK."""

_work: tuple[bytes, Path]
"""What a process of the pool works at, and the folder where it keeps it."""


def choose_processes(trials: int, jobs: int | None) -> int:
    """Says how many processes make so many trials; by default as many as pay, up to the cores."""
    if jobs is None:
        affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        return max(1, min(cores, trials // _PAYING))
    return min(jobs, trials)


def run_in_processes(
    experiment: bytes,
    trials: Sequence[Trial],
    store: TrialStore,
    processes: int,
    advance: Callable[[int], None],
) -> set[str]:
    """Makes trials; those of a process that dies are made again by others.

    Takes the experiment as JSON; gives what `run_batch` gives.

    Raises:
      AdkFlowError: processes die again and again, or as for `run_batch`.
    """
    models, deaths = set[str](), 0
    while trials:
        left = dict.fromkeys(trials)
        with _pool(processes, experiment, store.folder) as pool:
            try:
                for batch, asked in _results(pool, split_trials(trials, processes)):
                    models |= asked
                    advance(len(batch))
                    for trial in batch:
                        del left[trial]
            except BrokenProcessPool:
                deaths = deaths + 1 if len(left) == len(trials) else 1
        if deaths == _MOST_DEATHS:
            trial = trials[0]
            raise AdkFlowError(
                f"a process that ran {trial.construct} with {trial.conversation}, or another at "
                f"the same time, died, {deaths} times in a row; run them in one process to see why"
            )
        trials = list(left)
    store.refresh()
    return models


def split_trials(
    trials: Sequence[Trial], workers: int, largest: int = _LARGEST_BATCH
) -> list[list[Trial]]:
    """Splits trials into batches, several a worker, so that all end at about the same time."""
    size = max(1, min(largest, len(trials) // (workers * 4)))
    return [list(trials[n : n + size]) for n in range(0, len(trials), size)]


@contextmanager
def _pool(processes: int, experiment: bytes, folder: Path) -> Iterator[ProcessPoolExecutor]:
    """Makes processes, which end with this block: in good order, or at once if an error ends it."""
    level = logging.getLogger("google_adk").level
    begun = (Path.cwd(), level, experiment, folder.resolve())
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, begun)
    try:
        yield pool
    except BaseException:
        for child in active_children():
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor, batches: Sequence[list[Trial]]
) -> Iterator[tuple[list[Trial], set[str]]]:
    """Gives each batch when it is made, and what `run_batch` gives."""
    # In a thread, as the handler of a signal would stop the main one with a process half begun.
    with ThreadPoolExecutor(1) as starter:
        futures = starter.submit(_submit, pool, batches).result()
    for future in as_completed(futures):
        yield futures[future], future.result()


def _submit(
    pool: ProcessPoolExecutor, batches: Sequence[list[Trial]]
) -> dict[Future[set[str]], list[Trial]]:
    """Starts the processes, which inherit this thread's signals, with all that they have to do."""
    if hasattr(signal, "pthread_sigmask"):
        # Ctrl-C reaches every process of the terminal, and is the first one's to heed.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    main = sys.modules["__main__"]
    # Each process would run the main module again (multiprocessing/spawn.py), which may be a
    # script that calls this.
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        return {pool.submit(_make, batch): batch for batch in batches}
    finally:
        sys.modules["__main__"] = main


def _begin(folder: Path, level: int, *work: bytes | Path) -> None:
    """Prepares a process of the pool."""
    global _work
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(folder)
    os.dup2(2, 1)  # what an app prints is no result of the command
    warnings.simplefilter("ignore")  # the first process has loaded the same, and told
    logging.getLogger("google_adk").setLevel(level)
    _work = work  # pyright: ignore[reportAssignmentType]


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _make(trials: list[Trial]) -> set[str]:
    from adk_flow.comparison.bench import run_batch

    experiment, folder = _work
    return run_batch(experiment, trials, folder)
