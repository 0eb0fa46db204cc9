"""Loads an app and runs one conversation with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow._adk import keep_what_is_loaded, spare_failing_import
    from adk_flow.run.app import ApplicationError, load_app
    from adk_flow.run.conversation_run import ConversationRun, run_conversation

__all__ = [
    "ApplicationError",
    "ConversationRun",
    "keep_what_is_loaded",
    "load_app",
    "run_conversation",
    "spare_failing_import",
]

_MODULES = {
    "ApplicationError": "adk_flow.run.app",
    "ConversationRun": "adk_flow.run.conversation_run",
    "keep_what_is_loaded": "adk_flow._adk",
    "load_app": "adk_flow.run.app",
    "run_conversation": "adk_flow.run.conversation_run",
    "spare_failing_import": "adk_flow._adk",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
