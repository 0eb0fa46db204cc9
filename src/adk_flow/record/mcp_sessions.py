"""What an MCP server asks of its client while a tool of its runs, told as a part of that call.

The question comes in the session's task, which began in an earlier call, or turn.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from adk_flow.errors import passes_on
from adk_flow.record.threads import Values, carried_values

_MODULE = "mcp.client.session"
"""It has answers of its own, by which a client says that it answers nothing."""
_calling: WeakKeyDictionary[Any, dict[int, Values]] = WeakKeyDictionary()
"""What the calls under way of each session were made with."""
_watched: set[type] = set()


def watch_mcp(tool: type) -> None:
    """Watches the sessions of MCP, if a class of tools is MCP's."""
    module = sys.modules.get(_MODULE)
    if module is not None and any(base.__name__ == "McpTool" for base in tool.__mro__):
        watch_sessions(module.ClientSession)


def watch_sessions(kind: Any) -> None:
    """Watches the calls of tools of a class of sessions."""
    if kind not in _watched:
        _watched.add(kind)
        kind.call_tool = _calling_tool(kind.call_tool)


def _calling_tool(call_tool: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call_tool)
    @passes_on
    async def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls, values = _calls_of(self), carried_values()
        calls[id(values)] = values
        try:
            return await call_tool(self, *args, **kwargs)
        finally:
            calls.pop(id(values), None)

    return called


def _calls_of(session: Any) -> dict[int, Values]:
    """Gives the calls under way of a session, of which its server's questions are a part."""
    calls: dict[int, Values] = {}
    with suppress(Exception):  # an heir of the class may allow none of this
        if session in _calling:
            return _calling[session]
        _calling[session] = calls
        for name in ("_sampling_callback", "_elicitation_callback"):
            callback = getattr(session, name, None)
            if callback and getattr(callback, "__module__", "") != _MODULE:
                setattr(session, name, _asking(calls, callback))
    return calls


def _asking(calls: dict[int, Values], callback: Callable[..., Any]) -> Callable[..., Any]:
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
