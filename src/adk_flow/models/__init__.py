"""Models that need no key: `offline` is registered with ADK when this package is imported."""

from typing import TYPE_CHECKING

from google.adk.models.registry import LLMRegistry

from adk_flow._data import load_lazily
from adk_flow.models.keyless import Offline

if TYPE_CHECKING:
    from adk_flow.models.decisions import decided as decided
    from adk_flow.models.from_env import model_from_env as model_from_env
    from adk_flow.models.scripted import call as call
    from adk_flow.models.scripted import transfer as transfer

LLMRegistry.register(Offline)

_MODULES = {
    "call": "scripted",
    "decided": "decisions",
    "model_from_env": "from_env",
    "transfer": "scripted",
}

__getattr__ = load_lazily(__name__, _MODULES)
