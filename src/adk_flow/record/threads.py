"""ContextVars that follow a tool's work into the threads that it starts, as they do into tasks.

A thread begins with an empty context, and `loop.run_in_executor` runs in one of a pool's. What an
MCP server asks meanwhile comes in its session's task, which began in an earlier call, or turn.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from threading import Thread, current_thread
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from adk_flow.errors import passes_on

_V = TypeVar("_V")
_Values = dict["ContextVar[Any]", Any]

_carried: list[ContextVar[Any]] = []
_brought: WeakKeyDictionary[Thread, _Values] = WeakKeyDictionary()
"""What each thread under way was started with, or works with."""
_calling: WeakKeyDictionary[Any, dict[int, _Values]] = WeakKeyDictionary()
"""What the calls under way of each MCP session were made with."""
_watched: set[type] = set()

MCP_SESSION = "mcp.client.session"
"""The module that has answers of its own, by which a client says that it answers nothing."""


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


def watch_sessions(kind: Any) -> None:
    """Watches the calls of tools of a class of MCP sessions."""
    if kind not in _watched:
        _watched.add(kind)
        kind.call_tool = _calling_tool(kind.call_tool)


def _calling_tool(call_tool: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call_tool)
    @passes_on
    async def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls, values = _calls_of(self), _values()
        calls[id(values)] = values
        try:
            return await call_tool(self, *args, **kwargs)
        finally:
            calls.pop(id(values), None)

    return called


def _calls_of(session: Any) -> dict[int, _Values]:
    """Gives the calls under way of a session, of which its server's questions are a part."""
    calls: dict[int, _Values] = {}
    with suppress(Exception):  # an heir of the class may allow none of this
        if session in _calling:
            return _calling[session]
        _calling[session] = calls
        for name in ("_sampling_callback", "_elicitation_callback"):
            callback = getattr(session, name, None)
            if callback and getattr(callback, "__module__", "") != MCP_SESSION:
                setattr(session, name, _asking(calls, callback))
    return calls


def _asking(calls: dict[int, _Values], callback: Callable[..., Any]) -> Callable[..., Any]:
    """Has a server's question answered as a part of the latest call: it does not say of which."""

    @passes_on
    async def asked(*args: Any, **kwargs: Any) -> Any:
        values = [*calls.values()][-1] if calls else {}
        before = [(variable, variable.set(value)) for variable, value in values.items()]
        try:
            return await callback(*args, **kwargs)
        finally:
            for variable, token in before:
                variable.reset(token)

    return asked


def _values() -> _Values:
    values = {variable: value_here(variable) for variable in _carried}
    return values if any(values.values()) else {}


def _starting(start: Callable[[Thread], None]) -> Callable[[Thread], None]:
    @functools.wraps(start)
    def started(self: Thread) -> None:
        if values := _values():
            _brought[self] = values
        start(self)

    return started


def _submitting(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(submit)
    def submitted(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if (values := _values()) or _brought:
            fn = functools.partial(_run_with, values, fn)
        return submit(self, fn, *args, **kwargs)

    return submitted


def _run_with(values: _Values, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Runs a function with values, whichever its thread was started with, as pools use it anew."""
    thread = current_thread()
    _brought[thread] = values
    try:
        return function(*args, **kwargs)
    finally:
        del _brought[thread]
