"""The offline model as ADK meets it: by name, streaming, counting, at once, on odd requests."""

import asyncio
import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from google.adk.agents import LlmAgent
from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.models.registry import LLMRegistry
from google.adk.runners import InMemoryRunner
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.models import Offline
from adk_flow.models.embedding import embed
from adk_flow.models.request.tokens import tokens_in


def test_it_is_found_by_its_name():
    assert isinstance(LLMRegistry.new_llm("offline"), Offline)


FRESH = """
import asyncio, logging, os, sys
import google.adk.plugins, google.adk.runners
before = set(sys.modules)
from adk_flow import FlowPlugin
print(*{name.partition('.')[0] for name in set(sys.modules) - before})

from adk_flow.models import Offline
from google.adk.models.llm_request import LlmRequest
assert 'tokenizers' not in sys.modules
for package in sys.argv[1:] if hasattr(os, "fork") else ():
    if not os.fork():
        sys.modules[package] = None
        asyncio.run(anext(Offline().generate_content_async(LlmRequest())))
    os.wait()

loggers = (list(logging.root.handlers), logging.root.level)
from adk_flow.models.embedding import embed
embed(['a home'])
assert 'tokenizers' in sys.modules
assert loggers == (logging.root.handlers, logging.root.level)
"""
PACKAGES = ["numpy", "wordllama", "text_to_num"]


@pytest.fixture(scope="module")
def fresh():
    """What a new interpreter says of each step, from the recorder to the model; seconds."""
    program = [sys.executable, "-c", FRESH, *PACKAGES]
    return subprocess.run(program, capture_output=True, text=True)


def test_importing_it_loads_no_weights_and_leaves_logging_alone(fresh):
    assert fresh.returncode == 0, fresh.stderr


def test_the_recorder_loads_adk_and_msgspec_and_nothing_of_the_command_or_the_model(fresh):
    foreign = set(fresh.stdout.split()) - sys.stdlib_module_names
    assert "adk_flow" in foreign
    assert foreign <= {"adk_flow", "msgspec", "google", "opentelemetry", "pydantic"}, foreign


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that forks")
def test_where_the_extra_is_missing_one_line_says_so_when_it_is_asked(fresh):
    errors = [line for line in fresh.stderr.splitlines() if line.startswith("adk_flow.errors.")]
    assert len(errors) == len(PACKAGES)
    for error in errors:
        assert error.startswith(
            "adk_flow.errors.AdkFlowError: the offline model is not installed: "
            "install adk-flow's extra `offline` ("
        )


def test_vectors_have_length_one_or_none():
    vectors = embed(["a mortgage", "", "a home loan", "  "])

    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1, 0])
    assert vectors[0] @ vectors[2] > 0.4


def declaration(name: str, description: str, **properties: dict) -> types.FunctionDeclaration:
    schema = {"type": "object", "properties": properties, "required": sorted(properties)}
    return types.FunctionDeclaration(
        name=name, description=description, parameters_json_schema=schema
    )


LOOK_UP = declaration("look_up", "Looks up how mortgages work.", question={"type": "string"})


def asked(*contents: types.Content, tools: tuple = (LOOK_UP,), **config) -> LlmRequest:
    return LlmRequest(
        contents=list(contents),
        config=types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=list(tools))], **config
        ),
    )


async def answered(request: LlmRequest) -> list[LlmResponse]:
    return [one async for one in Offline().generate_content_async(request)]


def shown(response: LlmResponse) -> str:
    assert response.content and response.content.parts
    return response.content.model_dump_json(exclude_none=True)


def result(text: str) -> types.Content:
    return types.Content(
        role="user",
        parts=[types.Part.from_function_response(name="look_up", response={"summary": text})],
    )


QUESTION = types.UserContent("How do mortgages work?")
CALL = types.ModelContent(
    types.Part.from_function_call(name="look_up", args={"question": "How do mortgages work?"})
)


async def test_adk_streams_it():
    def look_up(question: str) -> dict:
        """Looks up how mortgages work."""
        return {"summary": "one two three four five six seven eight nine ten."}

    agent = LlmAgent(name="Mortgages", model="offline", tools=[look_up])
    runner = InMemoryRunner(agent=agent)
    runner.auto_create_session = True
    finals = [
        event
        async for event in runner.run_async(
            user_id="user",
            session_id="session",
            new_message=QUESTION,
            run_config=RunConfig(streaming_mode=StreamingMode.SSE),
        )
        if event.is_final_response() and not event.partial
    ]

    assert len(finals) == 1


async def test_tokens_are_those_of_what_was_sent_and_said():
    (short,) = await answered(asked(QUESTION, system_instruction="Help."))
    (long,) = await answered(asked(QUESTION, system_instruction="Help. " + "Be brief. " * 50))
    (told,) = await answered(asked(QUESTION, CALL, result("It is a loan on a home.")))

    sent, all_sent = (one.usage_metadata.prompt_token_count or 0 for one in (short, long))
    assert all_sent - sent == tokens_in("Help. " + "Be brief. " * 50) - tokens_in("Help.")
    said = told.usage_metadata.candidates_token_count
    assert said == tokens_in("It is a loan on a home.")
    answered_in = short.usage_metadata.candidates_token_count or 0
    assert short.usage_metadata.total_token_count == sent + answered_in


async def test_one_instance_serves_many_conversations_at_once_and_alike():
    model = Offline()

    async def ask(text: str) -> str:
        request = asked(types.UserContent(text))
        return shown([one async for one in model.generate_content_async(request)][-1])

    texts = [f"How does a mortgage over {years} years work?" for years in range(5, 25)]
    alone = [await ask(text) for text in texts]

    assert await asyncio.gather(*map(ask, texts)) == alone


async def test_declarations_in_gemini_schema_are_read_too():
    schema = types.Schema(
        type=types.Type.OBJECT,
        properties={
            "amount": types.Schema(type=types.Type.NUMBER, description="Mortgage, in pounds."),
            "years": types.Schema(type=types.Type.INTEGER, nullable=True),
            "kind": types.Schema(type=types.Type.STRING, enum=["fixed", "tracker"]),
            "rates": types.Schema(
                any_of=[types.Schema(type=types.Type.NUMBER), types.Schema(type=types.Type.STRING)]
            ),
        },
        required=["amount", "kind"],
    )
    cost = types.FunctionDeclaration(
        name="mortgage_cost", description="Computes what a mortgage costs.", parameters=schema
    )

    question = types.UserContent("What does a £900 tracker mortgage cost over 2 years?")
    (response,) = await answered(asked(question, tools=(cost,)))

    assert response.content and response.content.parts and response.content.parts[0].function_call
    arguments = response.content.parts[0].function_call.args or {}
    arguments.pop("rates", None)
    assert arguments == {"amount": 900, "years": 2, "kind": "tracker"}


async def test_the_words_of_other_agents_are_not_taken_for_the_users():
    quoted = "<<<BEGIN_QUOTED_AGENT_CONTENT>>>\n{}\n<<<END_QUOTED_AGENT_CONTENT>>>"
    context = types.Content(
        role="user",
        parts=[
            types.Part(text="For context: below is a transcript of what another agent did, quoted"),
            types.Part(text="[Other] said:\n" + quoted.format("What is a pension?")),
        ],
    )

    (response,) = await answered(asked(QUESTION, context))

    assert json.loads(shown(response))["parts"][0]["function_call"]["args"] == {
        "question": "How do mortgages work?"
    }


@pytest.mark.parametrize(
    "contents",
    [
        [],
        [types.UserContent("")],
        [types.UserContent("🙂🙂🙂")],
        [types.UserContent("mortgage " * 12_000)],
        [types.Content(role="user", parts=[])],
        [types.Content(parts=None)],
        [types.UserContent(types.Part.from_bytes(data=b"x", mime_type="image/png"))],
        [types.ModelContent("I spoke first.")],
        [QUESTION, CALL],
        [result("without a call")],
    ],
)
async def test_an_odd_request_gets_an_answer(contents):
    (response,) = await answered(asked(*contents))

    assert shown(response)


PART = st.one_of(
    st.text(max_size=60).map(lambda text: types.Part(text=text)),
    st.sampled_from(
        [
            types.Part(text="For context:"),
            types.Part(text="[A] called tool `f` with parameters: {'a': 1}"),
            types.Part(text='{"request": "How do mortgages work?"}'),
            types.Part(text='{"a": {"b": [1, null]}}'),
            types.Part(text="What would £250,000 at 4.5% over 25 years cost, and what is LTV?"),
            types.Part.from_function_call(name="f", args={}),
            types.Part.from_function_response(name="f", response={"error": "no"}),
            types.Part.from_function_response(name="transfer_to_agent", response={"result": None}),
        ]
    ),
)
CONTENT = st.builds(
    types.Content, role=st.sampled_from(["user", "model"]), parts=st.lists(PART, max_size=3)
)
SCHEMA = st.sampled_from(
    [
        None,
        {},
        {
            "type": "object",
            "properties": {"years": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        },
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/X"}}, "required": ["x"]},
        {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "number"}}}},
        {"type": "object", "properties": {"agent_name": {"type": "string", "enum": ["A", "B"]}}},
        {"type": "object", "properties": {"x": True, "y": {"enum": [], "description": 3}}},
    ]
)
DECLARATION = st.builds(
    types.FunctionDeclaration,
    name=st.sampled_from(["f", "transfer_to_agent", "finish_task", "set_model_response", "costs"]),
    description=st.sampled_from([None, "", "Computes what a mortgage costs."]),
    parameters_json_schema=SCHEMA,
)


@given(
    st.lists(CONTENT, max_size=5),
    st.lists(DECLARATION, max_size=4),
    st.sampled_from([None, {}, {"type": "object", "properties": {"a": {"type": "string"}}}]),
)
async def test_it_never_raises_and_always_says_or_calls_something(contents, declared, schema):
    (response,) = await answered(
        asked(*contents, tools=tuple(declared), response_json_schema=schema)
    )

    assert json.loads(shown(response))
    assert logging.root.level == logging.WARNING
