"""Conversation files: what to ask an app, and what must come back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.scenario.conversation import (
        AskedTurn,
        Canary,
        Conversation,
        ConversationError,
        Near,
        of_questions,
        read_conversation,
    )

__all__ = [
    "AskedTurn",
    "Canary",
    "Conversation",
    "ConversationError",
    "Near",
    "of_questions",
    "read_conversation",
]

_MODULES = {
    "Canary": "adk_flow.scenario.conversation",
    "Conversation": "adk_flow.scenario.conversation",
    "ConversationError": "adk_flow.scenario.conversation",
    "Near": "adk_flow.scenario.conversation",
    "AskedTurn": "adk_flow.scenario.conversation",
    "of_questions": "adk_flow.scenario.conversation",
    "read_conversation": "adk_flow.scenario.conversation",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
