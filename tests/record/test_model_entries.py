"""Every entry into a model is seen, by whoever it is asked; wrappers do not count."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.tools import FunctionTool
from google.genai import types

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.models.faulty import AlteredModel
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.model_entries import Entry, scenes, watch_models
from adk_flow.record.scenes import Scene
from adk_flow.run.conversation_run import run_conversation
from tests.doubles.flow import agent, record
from tests.doubles.models import Hanging, says


class Plain(BaseLlm):
    """Answers in two pieces, or fails."""

    model: str = "plain"
    fails: bool = False

    async def generate_content_async(self, llm_request, stream=False):
        """Answers."""
        if self.fails:
            raise RuntimeError("busy")
        yield LlmResponse(content=types.ModelContent("a"), partial=True)
        await asyncio.sleep(0)
        usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=7)
        yield LlmResponse(content=types.ModelContent("ab"), usage_metadata=usage)


class Heir(Plain):
    """Calls its base class's method, which is the same entry."""

    async def generate_content_async(self, llm_request, stream=False):
        """Answers as the base class does."""
        async for response in super().generate_content_async(llm_request, stream):
            yield response


class Fallback(BaseLlm):
    """Asks one model after the other until one answers."""

    model: str = "fallback"
    models: list[BaseLlm]

    async def generate_content_async(self, llm_request, stream=False):
        """Answers as the first that does not fail."""
        for model in self.models:
            try:
                async for response in model.generate_content_async(llm_request, stream):
                    yield response
                return
            except RuntimeError:
                continue


@pytest.fixture
def entries():
    seen: list[Entry] = []
    run: Any = SimpleNamespace(ended=False, live=False)
    watch_models()
    heard = lambda _, entry: seen.append(entry), lambda _, told: None
    token = scenes.set({1: Scene(run, *heard, 0, "", "")})
    yield seen
    scenes.reset(token)


async def ask(model: BaseLlm) -> list[LlmResponse]:
    return [one async for one in model.generate_content_async(LlmRequest())]


async def test_an_entry_tells_what_its_model_reported(entries):
    answers = await ask(Plain())

    assert len(answers) == 2
    (entry,) = entries
    assert (entry.name, entry.usage.prompt_token_count, entry.error) == ("plain", 7, None)


async def test_a_call_of_the_base_class_is_the_same_entry(entries):
    await ask(Heir(model="heir"))

    assert [entry.name for entry in entries] == ["heir"]


async def test_a_wrappers_attempts_count_in_its_place(entries):
    delayed = AlteredModel(model="d", inner=Plain(), profile=LatencyProfile("none", 0, 0))
    await ask(Fallback(models=[Plain(model="busy", fails=True), delayed]))

    assert [(entry.name, bool(entry.error)) for entry in entries] == [
        ("busy", True),
        ("plain", False),
    ]


async def test_a_cancelled_entry_ends_with_its_error(entries):
    watch_models()
    model = Hanging()
    task = asyncio.create_task(ask(model))
    await model._asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    (entry,) = entries
    assert isinstance(entry.error, asyncio.CancelledError)


async def test_whoever_stops_listening_gives_no_error(entries):
    stream = Plain().generate_content_async(LlmRequest())
    await anext(stream)
    await stream.aclose()

    (entry,) = entries
    assert entry.error is None


async def test_a_model_that_is_made_once_models_are_watched_is_watched_too(entries):
    class Late(Plain):
        async def generate_content_async(self, llm_request, stream=False):
            yield LlmResponse()

    await ask(Late(model="late"))

    assert [entry.name for entry in entries] == ["late"]


async def test_nothing_is_told_where_nobody_records():
    watch_models()
    assert len(await ask(Plain())) == 2


async def test_entries_at_once_are_told_apart(entries):
    await asyncio.gather(*(ask(Plain(model=f"m{number}")) for number in range(5)))

    assert sorted(entry.name for entry in entries) == ["m0", "m1", "m2", "m3", "m4"]


class Answers:
    """What ADK can read: an iterator that is no generator."""

    def __init__(self, *answers):
        self._answers = iter(answers)

    def __aiter__(self):
        return self

    async def __anext__(self):
        for answer in self._answers:
            return answer
        raise StopAsyncIteration

    async def aclose(self):
        pass


async def test_a_model_that_gives_an_iterator_answers_and_counts(tmp_path):
    class Iterating(BaseLlm):
        def generate_content_async(self, llm_request, stream=False):  # pyright: ignore[reportIncompatibleMethodOverride]
            return Answers(says("Hello."))

    flow = await record(agent("Root", Iterating(model="iterating")), ["Hi"], tmp_path)

    assert flow.errors == []
    assert [(turn.llm_calls, turn.tokens) for turn in flow.figures] == [(1, 110)]


class Narrow(BaseLlm):
    """Takes less than ADK gives it."""

    async def generate_content_async(self, llm_request):  # pyright: ignore[reportIncompatibleMethodOverride]
        yield says("Hello.")


class NarrowTool(FunctionTool):
    """Takes its context by another name than ADK gives it."""

    async def run_async(self, *, args, context):  # pyright: ignore[reportIncompatibleMethodOverride]
        return "looked"


def curious(tool, args, tool_context):
    return tool.state


def look() -> str:
    """Looks."""
    return "looked"


@pytest.mark.parametrize("fault", ["model", "tool", "callback"])
async def test_what_an_app_does_wrong_is_not_said_to_be_adk_flows_fault(fault, tmp_path):
    tools: list[Any] = [NarrowTool(look)] if fault == "tool" else [look]
    model = Narrow(model="n") if fault == "model" else Scripted(script={"Root": [call("look")]})
    before = curious if fault == "callback" else None
    root = LlmAgent(name="Root", model=model, tools=tools, before_tool_callback=before)

    run = await run_conversation(root, ["Look."], file=tmp_path / "log.jsonl")

    (turn,) = run.turns
    assert turn.error.startswith(("TypeError: ", "AttributeError: 'FunctionTool'"))
