"""A model without a model: it reads the request, and relays what the tools return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.adk.models.llm_request import LlmRequest

from adk_flow.errors import AdkFlowError
from adk_flow.models.keyless import KeylessModel
from adk_flow.models.request.situation import read_situation


class Offline(KeylessModel):
    """Answers from the request alone, alike every time, for any agent tree."""

    model: str = "offline"

    @classmethod
    def supported_models(cls) -> list[str]:
        """Returns the one name it goes by."""
        return [r"offline"]

    def decide(self, request: LlmRequest) -> tuple[str, Sequence[tuple[str, dict[str, Any]]]]:
        """Decides the next step.

        Raises:
          AdkFlowError: the extra `offline` is not installed.
        """
        try:
            from adk_flow.models.offline.decision import decide
        except ModuleNotFoundError as error:
            needed = "the offline model is not installed: install adk-flow's extra `offline`"
            raise AdkFlowError(f"{needed} ({error})") from None
        return decide(read_situation(request))
