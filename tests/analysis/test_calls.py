"""Calls and tokens are those of the model, whoever asks it and whatever ADK says of it.

The oracle is the model: it notes each entry, and what it reported there.
"""

import asyncio
from contextlib import aclosing, suppress
from io import StringIO
from typing import Any

import pytest
from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps.app import EventsCompactionConfig, ResumabilityConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.models import FallbackModel
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import FunctionTool
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, PrivateAttr

from adk_flow.analysis.critical_path import schedule_turn
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import measure, summed
from adk_flow.check.evaluate import check_rules
from adk_flow.check.rules import read_rules
from adk_flow.models.scripted import Scripted, call
from adk_flow.render.narration import Narrator
from tests.doubles.flow import record
from tests.doubles.models import asking_again


class Counting(BaseLlm):
    """Answers with one step a call; a step is what it yields, or raises, one after the other."""

    model: str = "counting"
    _steps: list = PrivateAttr(default_factory=list)
    _reported: list = PrivateAttr(default_factory=list)
    """Of each entry the usage that it reported last; None if it reported none."""

    @classmethod
    def of(cls, *steps, **fields):
        model = cls(**fields)
        model._steps = list(steps)
        return model

    async def generate_content_async(self, llm_request, stream=False):
        self._reported.append(None)
        place, step = len(self._reported) - 1, self._steps.pop(0)
        for answer in step if isinstance(step, list) else [step]:
            if isinstance(answer, Exception):
                raise answer
            self._reported[place] = answer.usage_metadata or self._reported[place]
            yield answer

    @property
    def calls(self):
        return len(self._reported)

    @property
    def tokens(self):
        usages = [usage for usage in self._reported if usage]
        sent = sum(usage.prompt_token_count for usage in usages)
        return sent, sum(usage.candidates_token_count for usage in usages)


def usage(sent=100, said=10, **fields):
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent,
        candidates_token_count=said,
        total_token_count=sent + said,
        **fields,
    )


def says(text, tokens=(100, 10), **fields):
    content = types.Content(role="model", parts=[types.Part(text=text)])
    return LlmResponse(content=content, usage_metadata=tokens and usage(*tokens), **fields)


def calls(name, tokens=(100, 10), **arguments):
    part = types.Part(function_call=types.FunctionCall(name=name, args=arguments))
    content = types.Content(role="model", parts=[part])
    return LlmResponse(content=content, usage_metadata=tokens and usage(*tokens))


def look(what: str) -> dict:
    """Looks."""
    return {"there": what}


STREAMED = RunConfig(streaming_mode=StreamingMode.SSE)


async def taken(folder, root, *questions, **options):
    return measure((await record(root, list(questions) or ["Go."], folder, **options)).trace)


def tokens_of(turns):
    return sum(turn.input_tokens for turn in turns), sum(turn.output_tokens for turn in turns)


answers = st.lists(st.integers(1, 99), min_size=1, max_size=4)


@given(st.lists(answers, min_size=1, max_size=4), st.integers(0, 3))
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
async def test_a_call_counts_once_however_many_whole_responses_it_gives(tmp_path, steps, cut):
    responses = [
        [
            *(says("…", (100, said), partial=True) for said in range(1, cut + 1)),
            *(says("and", (100, cut + said)) for said in step),
            calls("look", (100, cut + max(step)), what="x"),
        ]
        for step in steps
    ]
    model = Counting.of(*responses, says("done"))
    root = LlmAgent(name="Root", model=model, tools=[look])

    turns = await taken(tmp_path / str(len(list(tmp_path.iterdir()))), root, run_config=STREAMED)

    assert [turn.llm_calls for turn in turns] == [model.calls]
    assert tokens_of(turns) == model.tokens
    assert turns[0].reported_llm_calls == model.calls


async def test_of_a_stream_that_breaks_off_what_was_reported_counts(tmp_path):
    broken = [says("one", (100, 3), partial=True), says("two", (100, 6), partial=True)]
    model = Counting.of([*broken, RuntimeError("gone")])

    (turn,) = await taken(tmp_path, LlmAgent(name="Root", model=model), run_config=STREAMED)

    assert (turn.llm_calls, turn.failed) == (model.calls, True)
    assert tokens_of([turn]) == model.tokens == (100, 6)


class Waiting(Counting):
    """Answers its second call once what the first came to was handed on."""

    asked: asyncio.Event = Field(default_factory=asyncio.Event)
    handed_on: asyncio.Event = Field(default_factory=asyncio.Event)

    async def generate_content_async(self, llm_request, stream=False):
        if self.calls:
            self.asked.set()
            await self.handed_on.wait()
        async for answer in super().generate_content_async(llm_request, stream):
            yield answer


class Merging(BaseAgent):
    """Goes on with its agent while events wait in a queue, as what merges several agents does."""

    async def _run_async_impl(self, ctx):
        clerk: Any = self.sub_agents[0]
        queue = asyncio.Queue()

        async def run():
            async for event in clerk.run_async(ctx):
                await queue.put(event)
            await queue.put(None)

        running = asyncio.create_task(run())
        await clerk.model.asked.wait()
        while (event := await queue.get()) is not None:
            yield event
            if event.get_function_responses():
                clerk.model.handed_on.set()
        await running


async def test_events_that_come_when_the_next_model_is_asked_make_no_other_call(tmp_path):
    model = Waiting.of(calls("look", (100, 4), what="x"), says("it", (100, 9)))
    clerk = LlmAgent(name="Clerk", model=model, tools=[look])

    turns = await taken(tmp_path, Merging(name="Root", sub_agents=[clerk]))

    assert [turn.llm_calls for turn in turns] == [model.calls] == [2]
    assert tokens_of(turns) == model.tokens
    assert turns[0].reported_llm_calls == 2


ANSWERS = ("one", (100, 4)), ("two", None), ("three", (100, 9))


class Gathering(BaseAgent):
    """Runs its agent several times at once, in one place, each with a history of its own."""

    async def _run_async_impl(self, ctx):
        queue = asyncio.Queue()

        async def run():
            session = ctx.session.model_copy(deep=True)
            async for event in self.sub_agents[0].run_async(
                ctx.model_copy(update={"session": session})
            ):
                await queue.put(event)
            await queue.put(None)

        running = [asyncio.create_task(run()) for _ in range(3)]
        for _ in running:
            while (event := await queue.get()) is not None:
                yield event


class InTurns(Counting):
    """Answers once all are asked, and then in the order in which they were not."""

    gates: list[asyncio.Event] = Field(default_factory=list)

    async def generate_content_async(self, llm_request, stream=False):
        self.gates.append(gate := asyncio.Event())
        if len(self.gates) == 3:
            self.gates[-1].set()
        await gate.wait()
        async for answer in super().generate_content_async(llm_request, stream):
            yield answer
        others = [each for each in self.gates if not each.is_set()]
        if others:
            others[-1].set()


@pytest.mark.parametrize("is_resumable", [False, True])
async def test_an_agent_that_runs_several_times_at_once_makes_each_call_once(
    is_resumable, tmp_path
):
    model = InTurns.of(*(says(text, tokens) for text, tokens in ANSWERS))
    root = Gathering(name="Root", sub_agents=[LlmAgent(name="Clerk", model=model)])
    config = ResumabilityConfig(is_resumable=is_resumable)

    turns = await taken(tmp_path, root, resumability_config=config)

    assert [turn.llm_calls for turn in turns] == [model.calls] == [3]
    assert turns[0].agents["Clerk"].activations == 3
    assert [message.text for message in turns[0].messages] == [text for text, _ in ANSWERS]


async def test_a_model_that_asks_its_base_class_again_makes_two_calls(tmp_path):
    model = asking_again(Counting).of(RuntimeError("gone"), says("done"))

    turns = await taken(tmp_path, LlmAgent(name="Root", model=model))

    assert [turn.llm_calls for turn in turns] == [model.calls] == [2]
    assert tokens_of(turns) == model.tokens


class Ensemble(BaseLlm):
    """Asks two models at once and gives what the first says, with its tokens or without."""

    model: str = "ensemble"
    models: list[Counting]
    tells: bool

    async def generate_content_async(self, llm_request, stream=False):
        async def ask(model):
            return [one async for one in model.generate_content_async(llm_request)][-1]

        first, _ = await asyncio.gather(*map(ask, self.models))
        yield first if self.tells else LlmResponse(content=first.content)


@pytest.mark.parametrize("tells", [True, False])
async def test_tokens_of_models_asked_at_once_are_those_that_each_reported(tells, tmp_path):
    models = [Counting.of(says("one", (100, 4))), Counting.of(says("two", (200, 9)))]

    turns = await taken(tmp_path, LlmAgent(name="Root", model=Ensemble(models=models, tells=tells)))

    assert [turn.llm_calls for turn in turns] == [2]
    assert tokens_of(turns) == tuple(map(sum, zip(*(m.tokens for m in models), strict=True)))


class Durable(BasePlugin):
    """Asks the model itself, in ADK's place, as durable engines do."""

    async def before_model_callback(self, *, callback_context, llm_request):
        agent: Any = callback_context._invocation_context.agent
        model = agent.model
        async with aclosing(model.generate_content_async(llm_request)) as stream:
            return await anext(stream)


async def test_a_model_that_a_plugin_asks_in_adks_place_counts(tmp_path):
    model = Counting.of(calls("look", what="x"), says("done"))
    root = LlmAgent(name="Root", model=model, tools=[look])

    turns = await taken(tmp_path, root, plugins=[Durable("durable")])

    assert [turn.llm_calls for turn in turns] == [model.calls] == [2]
    assert tokens_of(turns) == model.tokens
    assert turns[0].agents["Root"].llm_calls == 2


class Draining(BasePlugin):
    """Asks the model itself, and reads all that it gives."""

    async def before_model_callback(self, *, callback_context, llm_request):
        agent: Any = callback_context._invocation_context.agent
        return [one async for one in agent.model.generate_content_async(llm_request)][-1]


class Trying(BasePlugin):
    """Asks the model itself, and leaves it to ADK where that fails."""

    async def before_model_callback(self, *, callback_context, llm_request):
        agent: Any = callback_context._invocation_context.agent
        with suppress(RuntimeError):
            return [one async for one in agent.model.generate_content_async(llm_request)][-1]


class Rewording(BasePlugin):
    """Answers otherwise than the model did."""

    async def after_model_callback(self, *, callback_context, llm_response):
        return None if llm_response.partial else says("otherwise", None)


class Rescuing(BasePlugin):
    """Answers where the model failed."""

    async def on_model_error_callback(self, *, callback_context, llm_request, error):
        return says("rescued", None)


@pytest.mark.parametrize(
    ("plugin", "steps"),
    [
        (Draining("draining"), [[says("one", (100, 4)), says("two", (100, 9))]]),
        (Trying("trying"), [RuntimeError("gone"), says("done")]),
        (Rewording("rewording"), [says("done")]),
        (Rescuing("rescuing"), [[says("one", (100, 3), partial=True), RuntimeError("gone")]]),
    ],
)
async def test_what_plugins_do_to_a_call_changes_nothing_of_its_count(tmp_path, plugin, steps):
    model = Counting.of(*steps)

    turns = await taken(tmp_path, LlmAgent(name="Root", model=model), plugins=[plugin])

    assert [turn.llm_calls for turn in turns] == [model.calls]
    assert tokens_of(turns) == model.tokens


class Replaying(BasePlugin):
    """Answers with what was answered before, from a cache."""

    def __init__(self, *answers):
        super().__init__("replaying")
        self.answers = list(answers)

    async def before_model_callback(self, *, callback_context, llm_request):
        return self.answers.pop(0)


async def test_tokens_without_a_model_are_reported_and_not_seen(tmp_path):
    model = Counting.of()
    root = LlmAgent(name="Root", model=model, tools=[look])
    replaying = Replaying(calls("look", what="x"), says("done"))

    flow = await record(root, ["Go."], tmp_path / "logs", plugins=[replaying])

    (turn,) = measure(flow.trace)
    assert (turn.llm_calls, turn.seen_llm_calls, turn.unseen_llm_calls) == (None, model.calls, 2)
    assert turn.input_tokens is turn.output_tokens is None
    assert (turn.reported_input_tokens, turn.reported_output_tokens) == (200, 20)
    file = tmp_path / "rules.yaml"
    file.write_text("llm_calls: 0\ntokens: 1000\ncost: 1\n")
    reasons = {one.rule: one.reason for one in check_rules(flow, read_rules(file))}
    assert all("cannot be known" in reasons[rule] for rule in ("llm_calls", "tokens", "cost"))


async def test_a_cached_answer_without_tokens_is_no_call(tmp_path):
    root = LlmAgent(name="Root", model=Counting.of())

    (turn,) = await taken(tmp_path, root, plugins=[Replaying(says("cached", None))])

    assert (turn.llm_calls, turn.unseen_llm_calls, turn.reported_llm_calls) == (0, 0, 0)
    assert tokens_of([turn]) == (0, 0)


async def test_a_guards_own_call_counts_beside_the_one_that_it_guards(tmp_path):
    judge, model = Counting.of(says("fine", (50, 1))), Counting.of(says("done"))

    class Guard(BasePlugin):
        async def before_model_callback(self, *, callback_context, llm_request):
            assert [one async for one in judge.generate_content_async(LlmRequest())]

    turns = await taken(tmp_path, LlmAgent(name="Root", model=model), plugins=[Guard("guard")])

    assert [turn.llm_calls for turn in turns] == [judge.calls + model.calls]
    assert tokens_of(turns) == (150, 11)


class Busy(Exception):
    code = status_code = 429


async def test_each_attempt_of_a_fallback_counts_and_the_answering_model_is_named(tmp_path):
    first = Counting.of(Busy("later"), model="dear")
    second = Counting.of(says("hello", model_version="cheap-001"), model="cheap")
    root = LlmAgent(name="Root", model=FallbackModel(models=[first, second]))

    flow = await record(root, ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    assert turn.llm_calls == first.calls + second.calls == 2
    assert tokens_of([turn]) == second.tokens
    made = flow.trace.turns[0].asked_models
    assert [(one.model, one.version, bool(one.error)) for one in made] == [
        ("cheap", "cheap-001", False),
        ("dear", "", True),
    ]


def summing_up(model):
    return EventsCompactionConfig(
        compaction_interval=2, overlap_size=0, summarizer=LlmEventSummarizer(llm=model)
    )


async def test_a_summarizer_that_is_asked_within_a_turn_counts_as_one_there(tmp_path):
    def look() -> str:
        """Looks."""
        return "seen"

    steps = [call("look"), call("look"), "a"]
    model = Scripted(script={"Root": steps * 3}, tokens=(900, 10))
    summarizer = Counting.of(*(says("short") for _ in range(20)))
    config = EventsCompactionConfig(
        compaction_interval=99,
        overlap_size=0,
        token_threshold=500,
        event_retention_size=1,
        summarizer=LlmEventSummarizer(llm=summarizer),
    )

    turns = await taken(
        tmp_path,
        LlmAgent(name="Root", model=model, tools=[look]),
        *("q1", "q2", "q3"),
        events_compaction_config=config,
    )

    assert summarizer.calls > 0
    assert sum(turn.summarizer_llm_calls for turn in turns) == summarizer.calls
    assert sum(turn.llm_calls or 0 for turn in turns) == 9 + summarizer.calls


async def test_the_summarizer_counts_in_the_turn_after_which_it_ran(tmp_path):
    model = Counting.of(*(says(f"a{number}") for number in range(1, 5)))
    summarizer = Counting.of(says("s1", (300, 30)), says("s2", (500, 50)))
    stream = StringIO()

    turns = await taken(
        tmp_path,
        LlmAgent(name="Root", model=model),
        *("q1", "q2", "q3", "q4"),
        events_compaction_config=summing_up(summarizer),
        listener=Narrator(stream),
    )

    assert summarizer.calls == 2
    assert [turn.llm_calls for turn in turns] == [1, 2, 1, 2]
    assert [turn.summarizer_llm_calls for turn in turns] == [0, 1, 0, 1]
    sent, said = zip(model.tokens, summarizer.tokens, strict=True)
    assert tokens_of(turns) == (sum(sent), sum(said))
    live = [line for line in stream.getvalue().splitlines() if "with the summarizer" in line]
    assert "after turn 2: 2 LLM calls" in live[0] and "after turn 4: 2 LLM calls" in live[1]


async def test_a_model_that_a_tool_asks_counts_in_the_tools_call(tmp_path):
    judge = Counting.of(says("fine", (50, 5)))

    async def weigh(what: str) -> str:
        """Weighs."""
        return str([one async for one in judge.generate_content_async(LlmRequest())])

    model = Counting.of(calls("weigh", what="x"), says("done"))
    root = LlmAgent(name="Root", model=model, tools=[weigh])

    flow = await record(root, ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    assert turn.llm_calls == model.calls + judge.calls
    assert tokens_of([turn]) == (250, 25)
    (tool,) = flow.trace.turns[0].tool_runs
    within = [one.within for one in flow.trace.turns[0].asked_models]
    assert within == ["", tool.id, ""]
    # At another pace, and where the tool's own time is given, the models in it are waited for.
    pace = LatencyProfile("", 1000.0, 0.0)
    first = flow.trace.turns[0]
    assert schedule_turn(first, pace).critical_path >= 3 * 1_000_000
    assert schedule_turn(first, pace, tool_time=lambda _: 7).critical_path == 3 * 1_000_000 + 7
    assert turn.critical_path_microseconds <= turn.ended - turn.began


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_call_that_adks_limit_prevents_is_none(tmp_path, limit):
    model = Counting.of(*(calls("look", what="x") for _ in range(5)))
    root = LlmAgent(name="Root", model=model, tools=[look])

    (turn,) = await taken(tmp_path, root, run_config=RunConfig(max_llm_calls=limit))

    assert (turn.llm_calls, turn.failed) == (model.calls, True)
    assert model.calls == limit


async def test_a_call_that_a_raising_callback_prevents_is_none(tmp_path):
    def refuse(callback_context, llm_request):
        raise RuntimeError("no")

    model = Counting.of()
    root = LlmAgent(name="Root", model=model, before_model_callback=refuse)

    (turn,) = await taken(tmp_path, root)

    assert (turn.llm_calls, turn.failed, model.calls) == (0, True, 0)


@given(st.lists(st.booleans(), min_size=1, max_size=4))
@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
async def test_tokens_are_known_only_if_every_answer_came_with_them(tmp_path, reports):
    steps = [calls("look", (100, 10) if told else None, what="x") for told in reports[:-1]]
    model = Counting.of(*steps, says("done", (100, 10) if reports[-1] else None))
    root = LlmAgent(name="Root", model=model, tools=[look])

    (turn,) = await taken(tmp_path / str(len(list(tmp_path.iterdir()))), root)

    assert turn.llm_calls == turn.reported_llm_calls == model.calls
    known = (turn.input_tokens, turn.output_tokens, turn.reported_input_tokens)
    assert known == ((*model.tokens, model.tokens[0]) if all(reports) else (None, None, None))


def answer_to(events, confirmed):
    """Confirms, or refuses, what the last events ask a confirmation of."""
    asked = [call for event in events for call in event.get_function_calls()]
    (id,) = {call.id for call in asked if call.name == "adk_request_confirmation"}
    response = types.FunctionResponse(
        id=id, name="adk_request_confirmation", response={"confirmed": confirmed}
    )
    return types.Content(role="user", parts=[types.Part(function_response=response)])


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_confirmation_asked_or_refused_is_no_tool_call(tmp_path, confirmed):
    ran = []

    def pay(amount: int) -> dict:
        """Pays."""
        ran.append(amount)
        return {"paid": amount}

    model = Counting.of(calls("pay", amount=5), says("done"))
    tool = FunctionTool(pay, require_confirmation=True)
    root = LlmAgent(name="Root", model=model, tools=[tool])

    flow = await record(root, ["Pay.", lambda events: answer_to(events, confirmed)], tmp_path)

    asked, answered = measure(flow.trace)
    assert (asked.tool_calls, answered.tool_calls) == (0, len(ran)) == (0, int(confirmed))
    assert summed([asked, answered]).llm_calls == model.calls


class Sheet(BaseModel):
    """An answer in fields."""

    total: int


async def test_the_functions_by_which_adk_steers_are_no_tool_calls(tmp_path):
    model = Counting.of(
        calls("look", what="x"),
        calls("set_model_response", total=5),
    )
    root = LlmAgent(name="Root", model=model, tools=[look], output_schema=Sheet)

    (turn,) = await taken(tmp_path, root)

    assert (turn.tool_calls, turn.llm_calls) == (1, model.calls)


@given(
    st.integers(1, 999), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.booleans()
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_and_out_are_the_total_however_thoughts_and_tools_are_counted(
    tmp_path, sent, by_tools, said, thought, thoughts_inside
):
    total = sent + by_tools + said + thought
    reported = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent,
        tool_use_prompt_token_count=by_tools,
        candidates_token_count=said + (thought if thoughts_inside else 0),
        thoughts_token_count=thought,
        total_token_count=total,
    )
    answer = LlmResponse(content=types.ModelContent("done"), usage_metadata=reported)
    root = LlmAgent(name="Root", model=Counting.of(answer))

    (turn,) = await taken(tmp_path / str(len(list(tmp_path.iterdir()))), root)

    assert (turn.input_tokens, turn.output_tokens) == (sent + by_tools, said + thought)
    assert (turn.tokens, turn.odd_totals) == (total, 0)


async def test_a_total_that_is_another_is_remarked(tmp_path):
    odd = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=100, candidates_token_count=10, total_token_count=150
    )
    answer = LlmResponse(content=types.ModelContent("done"), usage_metadata=odd)
    stream = StringIO()

    (turn,) = await taken(
        tmp_path,
        LlmAgent(name="Root", model=Counting.of(answer)),
        listener=Narrator(stream),
    )

    assert (turn.tokens, turn.odd_totals) == (110, 1)
    assert "of 1 call the model's total is another" in " ".join(stream.getvalue().split())
