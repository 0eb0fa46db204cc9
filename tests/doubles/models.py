"""Models and plugins that do what tests need beside a script."""

import asyncio
from contextlib import suppress
from typing import NamedTuple

from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types
from pydantic import Field, PrivateAttr

from adk_flow.models.scripted import Scripted


class Sent(NamedTuple):
    """What a model was sent."""

    agent: str
    instruction: str
    tools: list[str]
    texts: list[str]
    temperature: float | None


class Watched(Scripted):
    """Keeps what each agent's model was sent."""

    sent: list[Sent] = Field(default_factory=list)

    async def generate_content_async(self, llm_request, stream=False):
        config = llm_request.config
        texts = [part.text for content in llm_request.contents for part in content.parts]
        sent = Sent(
            (config.labels or {}).get("adk_agent_name", ""),
            str(config.system_instruction),
            list(llm_request.tools_dict),
            [text for text in texts if text],
            config.temperature,
        )
        self.sent.append(sent)
        async for response in super().generate_content_async(llm_request, stream):
            yield response

    def to(self, name):
        return [sent for sent in self.sent if sent.agent == name]

    def texts(self, name):
        return [sent.texts for sent in self.to(name)]


def says(text, **fields):
    """Answers with a text, for 100 tokens in and 10 out."""
    usage = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=100, candidates_token_count=10, total_token_count=110
    )
    # ADK's summarizer sets the role (2.13, apps/llm_event_summarizer.py); ModelContent's is frozen.
    content = types.Content(role="model", parts=[types.Part(text=text)])
    return LlmResponse(content=content, usage_metadata=usage, **fields)


def asking_again(kind):
    """Makes a class of models that ask their base class again where that fails."""

    class AskingAgain(kind):
        async def generate_content_async(self, llm_request, stream=False):
            with suppress(RuntimeError):
                async for answer in super().generate_content_async(llm_request, stream):
                    yield answer
                return
            async for answer in super().generate_content_async(llm_request, stream):
                yield answer

    return AskingAgain


class Hanging(Scripted):
    """Never answers, and tells when it was asked."""

    _asked: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    async def generate_content_async(self, llm_request, stream=False):
        self._asked.set()
        await asyncio.Event().wait()
        yield LlmResponse()


class Answering(BasePlugin):
    """Answers in the model's place."""

    async def before_model_callback(self, *, callback_context, llm_request):
        return LlmResponse(content=types.ModelContent("From a plugin."))
