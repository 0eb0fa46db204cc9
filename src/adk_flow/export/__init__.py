"""Flow logs as tables and OpenTelemetry spans."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.export.live import SpanPlugin

__all__ = ["SpanPlugin"]

_MODULES = {
    "SpanPlugin": "adk_flow.export.live",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
