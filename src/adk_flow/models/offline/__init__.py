"""The keyless default: reads only the request, and says that it is no language model."""

from adk_flow.models.offline.model import Offline

__all__ = ["Offline"]
