"""Models that answer without a key: what they share, and the default among them, `offline`."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from adk_flow.errors import AdkFlowError
from adk_flow.models.request.situation import read_situation
from adk_flow.models.request.tokens import usage

KeylessAnswer = tuple[str, Sequence[tuple[str, dict[str, Any]]]]
"""What to say, and which functions to call with which arguments."""


class KeylessModel(BaseLlm):
    """Decides alike every time what to say or call, and counts tokens alike on every machine."""

    @property
    def capabilities(self) -> Any:
        """Says that a schema and tools do not go together, as with most models."""
        # Here, because releases that do not ask for it (1.39.1, 2.0.0) do not have the class.
        from google.adk.models import LlmCapabilities

        return LlmCapabilities(output_schema_and_tools=False)

    @abstractmethod
    def decide(self, request: LlmRequest) -> KeylessAnswer:
        """Gives what to say and call."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the answer, in one piece."""
        text, calls = self.decide(llm_request)
        parts = [types.Part(text=text)] if text or not calls else []
        parts += [types.Part.from_function_call(name=name, args=args) for name, args in calls]
        content = types.Content(role="model", parts=parts)
        yield LlmResponse(
            content=content,
            partial=False,
            finish_reason=types.FinishReason.STOP,
            usage_metadata=usage(llm_request, content),
            model_version=self.model,
        )


class Offline(KeylessModel):
    """Answers from the request alone, for any agent tree: it relays what the tools return."""

    model: str = "offline"

    @classmethod
    def supported_models(cls) -> list[str]:
        """Returns the one name it goes by."""
        return [r"offline"]

    def decide(self, request: LlmRequest) -> KeylessAnswer:
        """Decides the next step; an AdkFlowError if the extra `offline` is not installed."""
        try:
            from adk_flow.models.offline.decision import decide
        except ModuleNotFoundError as error:
            needed = "the offline model is not installed: install adk-flow's extra `offline`"
            raise AdkFlowError(f"{needed} ({error})") from None
        return decide(read_situation(request))
