"""Live sessions: a turn for each answer, with words and tokens as the connection gave them.

The oracle is the connection: what it sent, and what it was sent.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.adk.agents import LiveRequestQueue, LlmAgent
from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.live import _live_llm_flow
from google.adk.live._cascade_live import CascadeLive
from google.adk.live._cascade_live_events import AgentSpokenOutput
from google.adk.live._transforms import LiveEgress, LiveIngress
from google.adk.models.base_llm import BaseLlm
from google.adk.models.base_llm_connection import BaseLlmConnection
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.workflow import START, Workflow
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from adk_flow import FlowPlugin, read_trace
from adk_flow.analysis.findings.ignored_transfer import find_ignored_transfers
from adk_flow.analysis.metrics import measure
from adk_flow.models.planned.from_log import plan_of
from adk_flow.models.scripted import Scripted
from tests.analysis.test_calls import look, tokens_of, usage


class Connection(BaseLlmConnection):
    """Gives the next of its answers to each message, and to each tool's result."""

    def __init__(self, answers: list[list[LlmResponse]]) -> None:
        self.answers = answers
        self.asked: asyncio.Queue[bool] = asyncio.Queue()
        self.is_open = True

    async def send_history(self, history):
        if history and history[-1].role == "user":
            await self.asked.put(True)

    async def send_content(self, content):
        await self.asked.put(True)

    async def send_realtime(self, blob):
        await self.asked.put(True)

    async def receive(self):
        self.is_open = self.is_open and await self.asked.get()
        for answer in self.answers.pop(0) if self.is_open and self.answers else ():
            yield answer

    async def close(self):
        await self.asked.put(False)


class Live(BaseLlm):
    """Connects to what gives these answers."""

    model: str = "live"
    _answers: list = PrivateAttr(default_factory=list)

    @asynccontextmanager
    async def connect(self, llm_request):
        yield Connection(self._answers)

    async def generate_content_async(
        self, llm_request, stream=False
    ) -> AsyncGenerator[LlmResponse, None]:
        raise NotImplementedError("a live session connects and does not generate")
        yield


def live(*answers: list[LlmResponse]) -> Live:
    model = Live()
    model._answers = list(answers)
    return model


def gives(*parts: types.Part, **fields: Any) -> LlmResponse:
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return LlmResponse(content=content, **fields)


def text(words: str) -> types.Part:
    return types.Part(text=words)


def call(name: str, **arguments: Any) -> types.Part:
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments))


def heard(words: str) -> LlmResponse:
    return gives(input_transcription=types.Transcription(text=words, finished=True))


def spoken(words: str) -> LlmResponse:
    return gives(output_transcription=types.Transcription(text=words, finished=True))


def partly(words: str) -> LlmResponse:
    said = types.Transcription(text=words, finished=False)
    return gives(output_transcription=said, partial=True)


def done(sent: int | None = 100, said: int = 10, **fields: Any) -> LlmResponse:
    tokens = usage(sent, said) if sent is not None else None
    return gives(turn_complete=True, usage_metadata=tokens, **fields)


async def held(folder, root, *messages: str | types.Blob):
    """Says one message after the other, each once the answer to the one before is complete."""
    left, plugin = list(messages), FlowPlugin(directory=folder)
    service, requests = InMemorySessionService(), LiveRequestQueue()
    runner = Runner(app=App(name="app", root_agent=root, plugins=[plugin]), session_service=service)
    await service.create_session(app_name="app", user_id="u", session_id="s")

    def say() -> None:
        message = left.pop(0)
        if isinstance(message, str):
            requests.send_content(types.UserContent(message))
        else:
            requests.send_realtime(message)

    say()
    config = RunConfig(response_modalities=[types.Modality.TEXT], streaming_mode=StreamingMode.BIDI)
    is_over = True
    async for event in runner.run_live(
        user_id="u", session_id="s", live_request_queue=requests, run_config=config
    ):
        if event.content or event.output_transcription:
            is_over = not (event.get_function_calls() or event.get_function_responses())
        if event.turn_complete and is_over and left:
            say()
        elif event.turn_complete and is_over:
            requests.close()
    await runner.close()
    assert not plugin.faults, plugin.first_fault
    return read_trace(plugin.paths[0])


counts = st.tuples(st.integers(1, 500), st.integers(1, 50))


@given(st.lists(st.lists(counts, min_size=1, max_size=3), min_size=1, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_exchange_is_a_turn_with_the_tokens_of_its_events(tmp_path, exchanges):
    answers = [
        [
            gives(text(f"a{number} "), partial=True),
            gives(text(f"a{number} and so on")),
            *(gives(usage_metadata=usage(*one)) for one in reported[:-1]),
            done(*reported[-1]),
        ]
        for number, reported in enumerate(exchanges)
    ]
    root = LlmAgent(name="Root", model=live(*answers))
    asked = [f"q{number}" for number in range(len(exchanges))]

    trace = await held(tmp_path / str(len(list(tmp_path.iterdir()))), root, *asked)

    turns = measure(trace)
    assert [turn.question for turn in turns] == asked
    assert [turn.answer for turn in turns] == [f"a{n} and so on" for n in range(len(asked))]
    assert [turn.llm_calls for turn in turns] == [1] * len(asked)
    reported = [one for exchange in exchanges for one in exchange]
    assert tokens_of(turns) == tuple(map(sum, zip(*reported, strict=True)))
    assert all(turn.complete and turn.active_agent == "Root" for turn in turns)
    kinds = [move.kind for move in trace.moves]
    assert kinds == ["start", "say", "reply", "end"] * len(asked)


async def test_spoken_words_are_those_that_were_transcribed_and_else_not_recorded(tmp_path):
    answers = ([heard("hello there"), spoken("good day"), done()], [gives(text("yes")), done()])
    root = LlmAgent(name="Root", model=live(*answers))
    sound = types.Blob(data=b"..", mime_type="audio/pcm")

    trace = await held(tmp_path, root, sound, sound)

    said = [(move.kind, move.text) for move in trace.moves if not move.is_control]
    assert said == [("say", "hello there"), ("reply", "good day"), ("say", ""), ("reply", "yes")]
    assert [turn.question for turn in measure(trace)] == ["hello there", ""]


@pytest.mark.parametrize("is_ended_by_calls", [True, False], ids=["2.5", "3"])
async def test_a_tool_and_a_transfer_belong_to_the_turn_in_which_they_are(
    tmp_path, monkeypatch, is_ended_by_calls
):
    monkeypatch.setattr(_live_llm_flow, "DEFAULT_TRANSFER_AGENT_DELAY", 0)
    helper = LlmAgent(name="Helper", description="Helps.", model=live([gives(text("h")), done()]))
    end = [done(7, 1)] if is_ended_by_calls else []
    root = LlmAgent(
        name="Root",
        model=live(
            [gives(call("look", what="x")), *end],
            [gives(text("there")), done()],
            [
                gives(usage_metadata=usage(50, 5)),
                gives(call("transfer_to_agent", agent_name="Helper")),
            ]
            + [gives(turn_complete=True)] * len(end),
        ),
        tools=[look],
        sub_agents=[helper],
    )

    trace = await held(tmp_path, root, "look", "help")

    turns = measure(trace)
    assert [(turn.question, turn.answer) for turn in turns] == [("look", "there"), ("help", "h")]
    assert [(turn.llm_calls, turn.tool_calls, turn.transfers) for turn in turns] == [
        (1 + len(end), 1, 0),
        (2, 0, 1),
    ]
    assert [turn.answered_by for turn in turns] == ["Root", "Helper"]
    assert turns[-1].active_agent == "Helper"
    assert {name: each.input_tokens for name, each in turns[-1].agents.items()} == {
        "Root": 50,
        "Helper": 100,
    }
    assert tokens_of(turns) == (250 + 7 * len(end), 25 + len(end))
    (first, second), notes = plan_of(trace).conversation.turns, plan_of(trace).notes
    assert [tool.name for task in first.plan for tool in task.tools] == ["look"] and not notes
    agents = [[task.agent for task in turn.plan] for turn in (first, second)]
    assert agents == [["Root"], ["Helper"]]
    assert not [each for turn in trace.turns for each in find_ignored_transfers(turn, trace)]


async def test_words_that_interrupt_an_answer_are_of_the_next_turn(tmp_path):
    cut = [
        heard("tell me"),
        partly("I was"),
        heard("stop"),
        spoken("I was"),
        done(interrupted=True),
    ]
    added = [heard("one"), partly("o"), heard("two"), heard("two"), spoken("one, two"), done()]
    root = LlmAgent(name="Root", model=live([*cut, spoken("as you like"), done()], added))
    sound = types.Blob(data=b"..", mime_type="audio/pcm")

    trace = await held(tmp_path, root, sound, sound)

    assert [(turn.question, turn.answer) for turn in measure(trace)] == [
        ("tell me", "I was"),
        ("stop", "as you like"),
        ("one two two", "one, two"),
    ]


async def test_what_only_keeps_the_connection_is_no_call_and_sound_without_words_is_one(tmp_path):
    handle = types.LiveServerSessionResumptionUpdate(new_handle="h", resumable=True)
    kept, sound = (
        gives(live_session_resumption_update=handle),
        types.Blob(data=b".", mime_type="a/b"),
    )
    given = gives(types.Part(inline_data=sound))
    answers = [[kept, given, gives(usage_metadata=usage(n, 1)), done(None)] for n in (10, 20)]
    root = LlmAgent(name="Root", model=live(*answers))

    turns = measure(await held(tmp_path, root, sound, sound))

    assert [(turn.llm_calls, turn.input_tokens) for turn in turns] == [(1, 10), (1, 20)]


async def test_what_an_exchange_took_is_its_own_though_it_is_told_when_that_is_complete(tmp_path):
    late = [gives(text("a")), done(None), gives(usage_metadata=usage(10, 5))]
    root = LlmAgent(name="Root", model=live(late, [gives(text("b")), done(20, 6)]))

    turns = measure(await held(tmp_path, root, "q", "r"))

    assert [(turn.llm_calls, turn.input_tokens) for turn in turns] == [(1, 10), (1, 20)]


async def test_what_a_live_answer_took_is_what_the_rest_leaves_of_the_total(tmp_path):
    """As ADK before 2.4 hands it on: without what it took by itself."""
    took = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=10, thoughts_token_count=3, total_token_count=18
    )
    model = live([gives(text("a")), gives(turn_complete=True, usage_metadata=took)])

    (turn,) = measure(await held(tmp_path, LlmAgent(name="Root", model=model), "q"))

    assert (turn.input_tokens, turn.output_tokens, turn.odd_totals) == (10, 8, 0)


def as_agent(model):
    return {"sub_agents": [LlmAgent(name="Aide", model=model, mode="single_turn")]}


def as_graph(model):
    edges: list[Any] = [(START, LlmAgent(name="Aide", model=model))]
    return {"tools": [Workflow(name="graph", description="Helps.", edges=edges)]}


@pytest.mark.parametrize("wire", [as_agent, as_graph])
async def test_an_agent_that_a_live_one_calls_is_asked_as_ever(tmp_path, wire):
    asked = Scripted(script={"Aide": ["Mild."]}, tokens=(1000, 100))
    name = "Aide" if wire is as_agent else "graph"
    model = live([gives(call(name, request="r")), done(10, 1)], [gives(text("Mild.")), done(20, 2)])

    (turn,) = measure(await held(tmp_path, LlmAgent(name="Root", model=model, **wire(asked)), "q"))

    assert (turn.question, turn.llm_calls, turn.answer) == ("q", 3, "Mild.")
    assert (turn.input_tokens, turn.agents["Aide"].input_tokens) == (1030, 1000)


async def test_words_that_a_callback_keeps_back_ask_no_model(tmp_path):
    def keep_back(callback_context, llm_request):
        words = llm_request.contents[0].parts[0].text
        return gives(text("No.")) if words == "secret" else None

    model = live([gives(text("Hello.")), done()])
    root = LlmAgent(name="Root", model=model, before_model_callback=keep_back)

    turns = measure(await held(tmp_path, root, "secret", "hi"))

    assert [(turn.question, turn.answer, turn.llm_calls) for turn in turns] == [
        ("secret", "No.", 0),
        ("hi", "Hello.", 1),
    ]


async def test_what_a_callback_says_as_the_session_ends_is_no_turn(tmp_path):
    ends = types.Content(role="model", parts=[text("Goodbye.")])
    model = live([gives(text("a")), done()])
    root = LlmAgent(name="Root", model=model, after_agent_callback=lambda callback_context: ends)

    (turn,) = measure(await held(tmp_path, root, "q"))

    assert [message.text for message in turn.messages] == ["a", "Goodbye."]


async def test_an_exchange_without_tokens_has_unknown_tokens(tmp_path):
    root = LlmAgent(name="Root", model=live([gives(text("a")), done(None)]))

    (turn,) = measure(await held(tmp_path, root, "q"))

    assert (turn.llm_calls, turn.input_tokens, turn.reported_llm_calls) == (1, None, 1)


async def test_a_function_in_whose_place_a_callback_answers_did_not_run(tmp_path):
    model = live([gives(call("look", what="x"))], [gives(text("no")), done()])
    root = LlmAgent(
        name="Root",
        model=model,
        tools=[look],
        before_tool_callback=lambda tool, args, tool_context: {"error": "kept back"},
    )

    (turn,) = measure(await held(tmp_path, root, "look"))

    assert (turn.answer, turn.tool_calls) == ("no", 0)


class Inner(Live):
    """Generates these parts."""

    async def generate_content_async(self, llm_request, stream=False):
        yield gives(self._answers.pop(0), usage_metadata=usage(100, 10))


class Ear(LiveIngress):
    async def __call__(self, audio):
        return
        yield


class Mouth(LiveEgress):
    async def __call__(self, text, *, cancel):
        async for words in text:
            yield AgentSpokenOutput(text=words)


@pytest.mark.filterwarnings("ignore:.*EXPERIMENTAL")
async def test_the_calls_of_a_connection_that_asks_another_model_are_that_ones(tmp_path):
    inner = Inner()
    inner._answers = [call("look", what="x"), text("there"), text("bye")]
    model = CascadeLive(model=inner, stt=Ear(), tts=Mouth())
    root = LlmAgent(name="Root", model=model, tools=[look])

    turns = measure(await held(tmp_path, root, "look", "that is all"))

    assert [(turn.answer, turn.llm_calls, turn.input_tokens) for turn in turns] == [
        ("there", 2, 200),
        ("bye", 1, 100),
    ]


async def test_a_node_of_a_live_graph_returns_when_its_task_is_finished(tmp_path):
    greets = [gives(text("Your name?")), done()], [gives(call("finish_task", result="Bo"))]
    greeter = LlmAgent(name="Greeter", mode="task", description="Greets.", model=live(*greets))
    clerk = LlmAgent(name="Clerk", model=live([gives(text("Hello Bo.")), done()]))
    clerk.mode = "task"

    graph = Workflow(name="Desk", edges=[(START, greeter), (greeter, clerk)])
    trace = await held(tmp_path, graph, "hi", "Bo")

    moves = [(move.kind, move.source, move.target) for move in trace.moves if move.is_control]
    assert moves == [
        ("start", "user", "Desk"),
        ("call", "Desk", "Greeter"),
        ("end", "Desk", "user"),
        ("start", "user", "Desk"),
        ("return", "Greeter", "Desk"),
        ("call", "Desk", "Clerk"),
        ("end", "Desk", "user"),
        ("return", "Clerk", "Desk"),  # as the session ends
    ]
