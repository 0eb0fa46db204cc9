"""ContextVars that follow a tool's work into the threads that it starts, as they do into tasks.

A thread begins with an empty context, and `loop.run_in_executor` runs in one of a pool's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from threading import Thread, current_thread
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

_V = TypeVar("_V")
Values = dict[ContextVar[Any], Any]

_carried: list[ContextVar[Any]] = []
_brought: WeakKeyDictionary[Thread, Values] = WeakKeyDictionary()
"""What each thread under way was started with, or works with."""
_watched: set[type] = set()


def carried(variable: ContextVar[_V]) -> ContextVar[_V]:
    """Has a variable follow into threads."""
    _carried.append(variable)
    return variable


def value_here(variable: ContextVar[_V]) -> _V:
    """Gives a variable's value, or else the one that the present thread was started with."""
    value = variable.get()
    if value or not _brought:
        return value
    return _brought.get(current_thread(), {}).get(variable, value)


def watch_threads() -> None:
    """Watches the starting of threads, and what is handed to pools of them."""
    if _watched:
        return
    _watched.update((Thread, ThreadPoolExecutor))
    start, submit = _starting(Thread.start), _submitting(ThreadPoolExecutor.submit)
    Thread.start = start  # pyright: ignore[reportAttributeAccessIssue]
    ThreadPoolExecutor.submit = submit


def carried_values() -> Values:
    """Gives what follows into threads."""
    values = {variable: value_here(variable) for variable in _carried}
    return values if any(values.values()) else {}


def _starting(start: Callable[[Thread], None]) -> Callable[[Thread], None]:
    @functools.wraps(start)
    def started(self: Thread) -> None:
        if values := carried_values():
            _brought[self] = values
        start(self)

    return started


def _submitting(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(submit)
    def submitted(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if (values := carried_values()) or _brought:
            fn = functools.partial(_run_with, values, fn)
        return submit(self, fn, *args, **kwargs)

    return submitted


def _run_with(values: Values, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Runs a function with values, whichever its thread was started with, as pools use it anew."""
    thread = current_thread()
    _brought[thread] = values
    try:
        return function(*args, **kwargs)
    finally:
        del _brought[thread]
