"""What the clients of two model providers differ in; all else of a conversation is the same."""

from typing import Any, ClassVar

from google.adk.models import Gemini
from google.adk.models.base_llm import BaseLlm
from google.adk.models.lite_llm import LiteLlm
from google.genai import types

from tests.doubles.wire import gemini_server, openai_server
from tests.doubles.wire.model_server import Broken, Request, Status

BUSY = Status(429, "Slow down.")
BROKEN_DOWN = Status(500, "Ouch.")

Fault = Status | Broken


class GeminiClient:
    """ADK's Gemini model on google-genai's client."""

    Server = gemini_server.GeminiServer
    errors: ClassVar[dict[Fault, tuple[str, str]]] = {
        BUSY: ("429 RESOURCE_EXHAUSTED", "429 RESOURCE_EXHAUSTED"),
        BROKEN_DOWN: ("ServerError: 500 INTERNAL", "ServerError: 500 INTERNAL"),
        Broken.GARBLED: ("JSONDecodeError", "UnknownApiResponseError"),
        Broken.CUT: ("ClientPayloadError", "ClientPayloadError"),
    }
    """By fault, what stands in the log of a whole and of a streamed reply."""
    retried: tuple[Fault, ...] = (BUSY, BROKEN_DOWN, Broken.DROPPED)
    """Faults after which the client asks again, if it is told to."""

    def environment(self, url: str) -> dict[str, str]:
        return {"GOOGLE_GEMINI_BASE_URL": url, "GOOGLE_API_KEY": "a-key"}

    def model(self, **options: Any) -> BaseLlm:
        return Gemini(model=gemini_server.MODEL, **options)

    def retrying(self, attempts: int) -> BaseLlm:
        retries = types.HttpRetryOptions(attempts=attempts, initial_delay=0.001, jitter=0.0)
        return self.model(retry_options=retries)

    def key_in(self, request: Request) -> str:
        return request.headers["x-goog-api-key"]


class LiteLlmClient:
    """ADK's LiteLlm model on LiteLLM's client, which is OpenAI's."""

    Server = openai_server.OpenAIServer
    errors: ClassVar[dict[Fault, tuple[str, str]]] = {
        BUSY: ("RateLimitError", "RateLimitError"),
        BROKEN_DOWN: ("InternalServerError", "InternalServerError"),
        Broken.GARBLED: ("Unterminated string", "MidStreamFallbackError"),
        Broken.CUT: ("Connection error", "MidStreamFallbackError"),
        Broken.DROPPED: ("Connection error", "Connection error"),
    }
    retried: tuple[Fault, ...] = (BUSY, BROKEN_DOWN)

    def environment(self, url: str) -> dict[str, str]:
        return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "a-key"}

    def model(self, **options: Any) -> BaseLlm:
        """Without retries, unless `num_retries` says otherwise: LiteLLM's default is two."""
        return LiteLlm(model=f"openai/{openai_server.MODEL}", **{"num_retries": 0, **options})

    def retrying(self, attempts: int) -> BaseLlm:
        return self.model(num_retries=attempts - 1)

    def key_in(self, request: Request) -> str:
        return request.headers["authorization"].removeprefix("Bearer ")


PROVIDERS = (GeminiClient(), LiteLlmClient())
