"""The same conversations under several constructs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.comparison.aggregate import Comparison
    from adk_flow.comparison.from_logs import compare_logs
    from adk_flow.comparison.recommend import write_caveats, write_recommendation
    from adk_flow.comparison.runner import compare
    from adk_flow.comparison.spec import read_conversations

__all__ = [
    "Comparison",
    "compare",
    "compare_logs",
    "read_conversations",
    "write_caveats",
    "write_recommendation",
]

_MODULES = {
    "Comparison": "adk_flow.comparison.aggregate",
    "compare": "adk_flow.comparison.runner",
    "compare_logs": "adk_flow.comparison.from_logs",
    "read_conversations": "adk_flow.comparison.spec",
    "write_caveats": "adk_flow.comparison.recommend",
    "write_recommendation": "adk_flow.comparison.recommend",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
