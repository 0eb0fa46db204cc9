"""What tools and callbacks ask of models by Google's own client counts, however they ask."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from google.adk.agents import LlmAgent
from google.adk.models.google_llm import Gemini
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import Client, types

from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import record

USAGE = {"promptTokenCount": 30, "candidatesTokenCount": 4, "totalTokenCount": 34}


class Provider:
    """Answers Google's client, and counts what it is asked."""

    def __init__(self):
        self.asked = 0
        options = {"transport": httpx.MockTransport(self.answer)}
        self.client = Client(
            api_key="none",
            http_options=types.HttpOptions(client_args=options, async_client_args=options),
        )

    def answer(self, request):
        self.asked += 1
        if b"busy" in request.content:
            return httpx.Response(400, json={"error": {"code": 400, "message": "busy"}})
        content = {"role": "model", "parts": [{"text": "Yes."}]}
        body = {"candidates": [{"content": content}], "usageMetadata": USAGE}
        is_stream = "stream" in request.url.path
        text = f"data: {json.dumps(body)}\n\n" if is_stream else json.dumps(body)
        return httpx.Response(200, text=text)


ASK: dict[str, Any] = {"model": "gemini-2.5-pro", "contents": "Is it?"}


async def whole(client):
    client.models.generate_content(**ASK)


async def streamed(client):
    assert [one.text for one in client.models.generate_content_stream(**ASK)] == ["Yes."]


async def awaited(client):
    await client.aio.models.generate_content(**ASK)


async def read_as_it_comes(client):
    stream = await client.aio.models.generate_content_stream(**ASK)
    assert [one.text async for one in stream] == ["Yes."]


async def chat(client):
    talk = client.aio.chats.create(model="gemini-2.5-pro")
    await talk.send_message("Is it?")
    await talk.send_message("Really?")


async def pool(client):
    await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(whole(client)))


async def model_of_adk(client):
    model = Gemini(model="gemini-2.5-flash")
    vars(model).update(api_client=client)
    request = LlmRequest(model=model.model, contents=[types.UserContent("Is it?")])
    assert [one async for one in model.generate_content_async(request)]


@pytest.mark.parametrize(
    "way", [whole, streamed, awaited, read_as_it_comes, chat, pool, model_of_adk]
)
async def test_each_request_of_a_tools_counts_once_in_its_call(way, tmp_path):
    provider = Provider()

    async def judge() -> str:
        """Judges."""
        await way(provider.client)
        return "judged"

    model = Scripted(script={"Root": [call("judge"), "So."]})
    flow = await record(LlmAgent(name="Root", model=model, tools=[judge]), ["Is it?"], tmp_path)

    (turn,) = flow.figures
    (asking,) = flow.of("before_tool")
    assert flow.errors == []
    assert provider.asked > 0
    assert turn.llm_calls == 2 + provider.asked
    assert (turn.input_tokens, turn.output_tokens) == (
        40 + 30 * provider.asked,
        20 + 4 * provider.asked,
    )
    assert {one.call for one in flow.of("model_call")} == {asking.call}


async def test_a_request_that_is_refused_is_a_call_with_its_error(tmp_path):
    provider = Provider()

    def judge() -> str:
        """Judges."""
        try:
            provider.client.models.generate_content(model="gemini-2.5-pro", contents="busy")
        except Exception as error:
            return str(error)
        return "judged"

    model = Scripted(script={"Root": [call("judge"), "So."]})
    flow = await record(LlmAgent(name="Root", model=model, tools=[judge]), ["Is it?"], tmp_path)

    (entry,) = flow.of("model_call")
    assert "busy" in entry.error
    assert (provider.asked, flow.figures[0].llm_calls) == (1, 3)


async def test_a_guard_that_answers_for_the_model_is_the_call_that_was_made(tmp_path):
    provider = Provider()

    async def guard(callback_context, llm_request):
        given = await provider.client.aio.models.generate_content(**ASK)
        return LlmResponse.create(given)

    root = LlmAgent(name="Root", model=Scripted(), before_model_callback=guard)
    flow = await record(root, ["Is it?"], tmp_path)

    (turn,) = flow.figures
    assert (provider.asked, turn.llm_calls, turn.tokens) == (1, 1, 34)
