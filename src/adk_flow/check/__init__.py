"""Rules, snapshots and differences of flows, for tests and CI."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.check.adk_eval import answered_by as answered_by
    from adk_flow.check.adk_eval import llm_calls as llm_calls
    from adk_flow.check.flow import Flow as Flow
    from adk_flow.check.flow import read_flow as read_flow

_MODULES = {"Flow": "flow", "answered_by": "adk_eval", "llm_calls": "adk_eval", "read_flow": "flow"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
