"""Models that need no key: `offline` is registered with ADK when this package is imported."""

from google.adk.models.registry import LLMRegistry

from adk_flow.models.offline import Offline

LLMRegistry.register(Offline)

__all__ = ["Offline"]
