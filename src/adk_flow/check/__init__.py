"""Rules, snapshots and differences of flows, for tests and CI."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.check.adk_eval import answered_by, llm_calls
    from adk_flow.check.flow import Flow, read_flow

__all__ = ["Flow", "answered_by", "llm_calls", "read_flow"]

_MODULES = {
    "Flow": "adk_flow.check.flow",
    "answered_by": "adk_flow.check.adk_eval",
    "llm_calls": "adk_flow.check.adk_eval",
    "read_flow": "adk_flow.check.flow",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
