"""Records, draws and compares how control and conversation move between ADK agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adk_flow.analysis.moves import Move, moves
from adk_flow.log.reader import Log, LogError, read_log

if TYPE_CHECKING:
    from adk_flow.record.plugin import FlowPlugin

__all__ = ["FlowPlugin", "Log", "LogError", "Move", "moves", "read_log"]


def __getattr__(name: str) -> Any:
    # ADK takes a second to import, and reading a log does not need it.
    if name == "FlowPlugin":
        import adk_flow.models  # noqa: F401 - makes the model name "offline" known
        from adk_flow.record.plugin import FlowPlugin

        return FlowPlugin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
