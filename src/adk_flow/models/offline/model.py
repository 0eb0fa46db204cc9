"""A model without a model: it reads the request, and relays what the tools return."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from adk_flow.errors import AdkFlowError
from adk_flow.models.request.situation import read_situation
from adk_flow.models.request.tokens import usage

if TYPE_CHECKING:
    from google.adk.models import LlmCapabilities


class Offline(BaseLlm):
    """Answers from the request alone, alike every time, for any agent tree."""

    model: str = "offline"

    @classmethod
    def supported_models(cls) -> list[str]:
        """Returns the one name it goes by."""
        return [r"offline"]

    @property
    def capabilities(self) -> LlmCapabilities:
        """Says that a schema and tools do not go together, as with most models."""
        # Here, because releases that do not ask for it (1.39.1, 2.0.0) do not have the class.
        from google.adk.models import LlmCapabilities

        return LlmCapabilities(output_schema_and_tools=False)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the answer, in one piece.

        Raises:
          AdkFlowError: the extra `offline` is not installed.
        """
        try:
            from adk_flow.models.offline.decision import decide
        except ModuleNotFoundError as error:
            needed = "the offline model needs an extra: pip install 'adk-flow[offline]'"
            raise AdkFlowError(f"{needed} ({error})") from None
        text, calls = decide(read_situation(llm_request))
        parts = [types.Part(text=text)] if text else []
        parts += [types.Part.from_function_call(name=name, args=args) for name, args in calls]
        content = types.Content(role="model", parts=parts)
        yield LlmResponse(
            content=content,
            partial=False,
            finish_reason=types.FinishReason.STOP,
            usage_metadata=usage(llm_request, content),
            model_version=self.model,
        )
