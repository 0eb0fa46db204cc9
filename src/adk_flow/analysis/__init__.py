"""What a flow log says: moves, metrics, critical path, findings, visibility."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.analysis.latency import profile_named
    from adk_flow.analysis.metrics import measure

__all__ = ["measure", "profile_named"]

_MODULES = {
    "measure": "adk_flow.analysis.metrics",
    "profile_named": "adk_flow.analysis.latency",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
