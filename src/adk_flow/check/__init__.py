"""Rules, snapshots and differences of flows, for tests and CI."""

from typing import TYPE_CHECKING

from adk_flow._data import load_lazily

if TYPE_CHECKING:
    from adk_flow.check.adk_eval import answered_by as answered_by
    from adk_flow.check.adk_eval import llm_calls as llm_calls
    from adk_flow.check.flow import Flow as Flow
    from adk_flow.check.flow import read_flow as read_flow

_MODULES = {"Flow": "flow", "answered_by": "adk_eval", "llm_calls": "adk_eval", "read_flow": "flow"}

__getattr__ = load_lazily(__name__, _MODULES)
