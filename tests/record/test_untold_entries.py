"""Models that are entered where ADK has no hook stand in the log as `model_call`, each once."""

from contextlib import aclosing

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps.app import App, EventsCompactionConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.models import FallbackModel
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.genai import types
from pydantic import Field

from adk_flow import FlowPlugin, read_log
from adk_flow.record.model_entries import scenes
from tests.doubles.models import says


class Counting(BaseLlm):
    """Counts its own entries; every answer is 100 tokens in and 10 out."""

    model: str = "counting"
    entered: list[str] = Field(default_factory=list)
    answers: list[LlmResponse | Exception]

    async def generate_content_async(self, llm_request, stream=False):
        self.entered.append(self.model)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield answer


async def records_of(folder, root, *questions, plugins=(), **options):
    app = App(
        name="app", root_agent=root, plugins=[FlowPlugin(directory=folder), *plugins], **options
    )
    runner = InMemoryRunner(app=app)
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    for question in questions:
        async for _ in runner.run_async(
            user_id="u", session_id="s", new_message=types.UserContent(question)
        ):
            pass
    await runner.close()
    (path,) = folder.rglob("*.jsonl")
    return read_log(path).records


def untold(records):
    return [record for record in records if record.hook == "model_call"]


async def test_what_hooks_tell_of_is_not_told_again(tmp_path):
    model = Counting(answers=[says("hello")])

    records = await records_of(tmp_path, LlmAgent(name="Root", model=model), "Hello?")

    assert model.entered == ["counting"]
    assert untold(records) == []


async def test_a_model_that_a_plugin_asks_in_adks_place(tmp_path):
    model = Counting(answers=[says("hello")])

    class Durable(BasePlugin):
        async def before_model_callback(self, *, callback_context, llm_request):
            async with aclosing(model.generate_content_async(llm_request)) as answers:
                return await anext(answers)

    root = LlmAgent(name="Root", model=model)

    records = await records_of(tmp_path, root, "Hello?", plugins=[Durable("durable")])

    (call,) = untold(records)
    assert (call.agent, call.model, call.usage.input, call.usage.output) == (
        *("Root", "counting"),
        *(100, 10),
    )
    assert "after_model" not in [record.hook for record in records]


async def test_a_model_that_a_guard_asks_of_an_answer(tmp_path):
    class Guard(BasePlugin):
        async def after_model_callback(self, *, callback_context, llm_response):
            judge = Counting(model="judge", answers=[says("fine")])
            assert [one async for one in judge.generate_content_async(LlmRequest())]

    root = LlmAgent(name="Root", model=Counting(answers=[says("hello")]))

    records = await records_of(tmp_path, root, "Hello?", plugins=[Guard("guard")])

    assert [(call.agent, call.model) for call in untold(records)] == [("Root", "judge")]


async def test_each_attempt_of_a_fallback(tmp_path):
    class Busy(Exception):
        code = 429
        status_code = 429

    first = Counting(model="first", answers=[Busy("later")])
    second = Counting(model="second", answers=[says("hello", model_version="second-001")])
    root = LlmAgent(name="Root", model=FallbackModel(models=[first, second]))

    records = await records_of(tmp_path, root, "Hello?")

    (call,) = untold(records)
    assert (call.model, call.error, call.usage) == ("first", "Busy: later", None)
    (answer,) = [record for record in records if record.hook == "after_model"]
    assert (answer.version, answer.usage.input) == ("second-001", 100)


async def test_the_summarizer_of_a_compaction(tmp_path):
    model = Counting(answers=[says("one"), says("two"), says("sum"), says("three")])
    compaction = EventsCompactionConfig(
        compaction_interval=2, overlap_size=0, summarizer=LlmEventSummarizer(llm=model)
    )

    records = await records_of(
        tmp_path,
        LlmAgent(name="Root", model=model),
        *("One?", "Two?", "Three?"),
        events_compaction_config=compaction,
    )

    assert len(model.entered) == 4
    (call,) = untold(records)
    assert (call.run, call.usage.input, call.error) == (2, 100, "")


@pytest.mark.parametrize("inside", [True, False])
async def test_a_model_that_a_tool_asks(tmp_path, inside):
    judge = Counting(model="judge", answers=[says("fine")])

    async def look() -> str:
        """Looks."""
        return str([one async for one in judge.generate_content_async(LlmRequest())])

    ask = types.Part(function_call=types.FunctionCall(name="look", args={}))
    model = Counting(
        answers=[
            LlmResponse(content=types.Content(role="model", parts=[ask])),
            says("hello"),
        ],
    )

    records = await records_of(tmp_path, LlmAgent(name="Root", model=model, tools=[look]), "Go.")
    if not inside:  # what the app asks between its conversations is none of theirs
        judge.answers.append(says("fine"))
        assert [one async for one in judge.generate_content_async(LlmRequest())]

    (call,) = untold(records)
    (tool,) = [record for record in records if record.hook == "before_tool"]
    assert (call.model, call.call, call.activation) == ("judge", tool.call, tool.activation)


async def test_what_a_summary_replaced_is_told_when_the_next_turn_begins(tmp_path):
    model = Counting(answers=[says("one"), says("two"), says("sum"), says("three")])
    compaction = EventsCompactionConfig(
        compaction_interval=2, overlap_size=0, summarizer=LlmEventSummarizer(llm=model)
    )

    records = await records_of(
        tmp_path,
        LlmAgent(name="Root", model=model),
        *("One?", "Two?", "Three?"),
        events_compaction_config=compaction,
    )

    (change,) = [record for record in records if record.hook == "session_change"]
    began = {one.run: one.time for one in records if one.hook == "user_message"}
    ended = {one.run: one.time for one in records if one.hook == "after_run"}
    assert change.compacted is not None
    first, last = change.compacted
    replaced = [run for run in began if began[run] <= last and first <= ended[run]]
    assert (change.run, replaced) == (3, [1, 2])


async def test_a_rewind_is_told_when_the_next_turn_begins(tmp_path):
    model = Counting(answers=[says("one"), says("two"), says("three")])
    app = App(
        name="app",
        root_agent=LlmAgent(name="Root", model=model),
        plugins=[FlowPlugin(directory=tmp_path)],
    )
    runner = InMemoryRunner(app=app)
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    invocations = []
    for question in ("One?", "Two?", "Three?"):
        async for event in runner.run_async(
            user_id="u", session_id="s", new_message=types.UserContent(question)
        ):
            invocations.append(event.invocation_id)
        if question == "Two?":
            await runner.rewind_async(
                user_id="u", session_id="s", rewind_before_invocation_id=invocations[0]
            )
    await runner.close()

    (path,) = tmp_path.rglob("*.jsonl")
    records = read_log(path).records
    (change,) = [record for record in records if record.hook == "session_change"]
    (first,) = [record for record in records if record.invocation == change.rewound]
    assert (change.run, first.run, first.text) == (3, 1, "One?")


async def test_a_task_that_outlives_several_recorders_keeps_no_run_that_is_over(tmp_path):
    for name in ("first", "second", "third"):
        model = Counting(answers=[says("hello")])
        await records_of(tmp_path / name, LlmAgent(name="Root", model=model), "Hello?")

    assert len([scene for scene in scenes.get().values() if scene.run.ended]) == 1


async def test_a_stream_that_nobody_reads_asks_no_model(tmp_path):
    model, other = Counting(answers=[says("hello")]), Counting(model="other", answers=[])

    def ask_nobody(callback_context):
        other.generate_content_async(LlmRequest())

    root = LlmAgent(name="Root", model=model, before_agent_callback=ask_nobody)
    records = await records_of(tmp_path, root, "Hello?")

    assert other.entered == []
    assert untold(records) == []
