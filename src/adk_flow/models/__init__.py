"""Models that need no key: `offline` is registered with ADK when this package is imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from google.adk.models.registry import LLMRegistry

from adk_flow.models.offline import Offline

if TYPE_CHECKING:
    from adk_flow.models.decisions import decided
    from adk_flow.models.delayed import DelayedModel
    from adk_flow.models.embedding import embed
    from adk_flow.models.from_env import model_from_env
    from adk_flow.models.override import override_models
    from adk_flow.models.scripted import Scripted, call, transfer

LLMRegistry.register(Offline)

__all__ = [
    "DelayedModel",
    "Offline",
    "Scripted",
    "call",
    "decided",
    "embed",
    "model_from_env",
    "override_models",
    "transfer",
]

_MODULES = {
    "DelayedModel": "adk_flow.models.delayed",
    "Scripted": "adk_flow.models.scripted",
    "call": "adk_flow.models.scripted",
    "decided": "adk_flow.models.decisions",
    "embed": "adk_flow.models.embedding",
    "model_from_env": "adk_flow.models.from_env",
    "override_models": "adk_flow.models.override",
    "transfer": "adk_flow.models.scripted",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
