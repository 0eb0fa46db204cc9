"""Models that need no key: `offline` is registered with ADK when this package is imported."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from google.adk.models.registry import LLMRegistry

from adk_flow.models.keyless import Offline

if TYPE_CHECKING:
    from adk_flow.models.decisions import decided as decided
    from adk_flow.models.embedding import embed as embed
    from adk_flow.models.from_env import model_from_env as model_from_env
    from adk_flow.models.scripted import call as call
    from adk_flow.models.scripted import transfer as transfer

LLMRegistry.register(Offline)

_MODULES = {
    "call": "scripted",
    "decided": "decisions",
    "embed": "embedding",
    "model_from_env": "from_env",
    "transfer": "scripted",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
