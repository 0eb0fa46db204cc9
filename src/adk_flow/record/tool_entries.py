"""Entries into tools: no hook tells that a callback answered in a tool's place, or raised."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import isasyncgenfunction
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext

from adk_flow.errors import passes_on
from adk_flow.record.mcp_sessions import watch_mcp

_METHOD = "run_async"
_watched: set[type] = set()
_entered: WeakSet[ToolContext] = WeakSet()
"""ADK makes one for each call."""
_listening: WeakKeyDictionary[ToolContext, list[Callable[[Any], None]]] = WeakKeyDictionary()
"""Who is told with which arguments the tool of a call is entered."""


def watch_tool(tool: BaseTool, context: ToolContext) -> None:
    """Watches the class of a tool that is about to be called."""
    kind = type(tool)
    if kind not in _watched:
        _watched.add(kind)
        setattr(kind, _METHOD, _noting(getattr(kind, _METHOD)))
        watch_mcp(kind)
    if _METHOD in vars(tool) or _streams(tool, context):
        note_run(context)  # it runs by another way, which is not seen


def _streams(tool: BaseTool, context: ToolContext) -> bool:
    """Whether a live session runs a tool in the background, or ADK stops one in its place."""
    is_stream = isasyncgenfunction(getattr(tool, "func", None)) or tool.name == "stop_streaming"
    return is_stream and context._invocation_context.live_request_queue is not None


def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    @passes_on
    def entered(tool: BaseTool, *args: Any, **named: Any) -> Any:
        if (context := named.get("tool_context")) is not None:
            note_run(context)
            for hear in _listening.pop(context, ()):
                hear(named.get("args"))
        return method(tool, *args, **named)

    return entered


def hear_arguments(context: ToolContext, hear: Callable[[Any], None]) -> None:
    """Has a function, which must not raise, hear with which arguments a call's tool is entered."""
    _listening.setdefault(context, []).append(hear)


def note_run(context: ToolContext) -> None:
    """Notes that a tool is entered in a call, or what stands for it."""
    _entered.add(context)


def has_run(context: ToolContext) -> bool:
    """Whether a tool was entered in a call."""
    return context in _entered
