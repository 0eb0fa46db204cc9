"""A cassette: what makes two requests the same, what is kept of an answer, and the file."""

import asyncio
import multiprocessing
import os
import random
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.models import FallbackModel
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types
from pydantic import BaseModel, Field

from adk_flow.models.cassette import Cassette, CassetteError, Tape
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import Override, override_models
from adk_flow.models.request.digest import digest_request
from adk_flow.run.conversation_run import run_conversation
from tests.doubles.models import says

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class Numbering(BaseLlm):
    """Answers with the number of the call, or what is given for it."""

    model: str = "gpt-4o-mini"
    given: list = Field(default_factory=list)
    calls: int = 0

    async def generate_content_async(self, llm_request, stream=False):
        self.calls += 1
        await asyncio.sleep(0)
        answers = self.given.pop(0) if self.given else [says(f"answer {self.calls}")]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer


def asking(text, **config):
    return LlmRequest(
        model="gpt-4o-mini",
        contents=[types.UserContent(text)],
        config=types.GenerateContentConfig(**config),
    )


async def ask(model, tape, text="Hello?", *, first=False):
    """Asks as ADK does; `first`: and reads no further than the first response."""
    with in_force(Override(tape=tape)):
        async with aclosing(model.generate_content_async(asking(text))) as answers:
            if first:
                return await anext(answers)
            return [answer async for answer in answers]


def words(answers):
    return [answer.content.parts[0].text for answer in answers]


# Which requests are the same


NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def digest(request, stream=False, moments=(NOW,)):
    return digest_request(request, stream, moments)


def called(id):
    call = types.FunctionCall(id=id, name="rate", args={"years": 5})
    result = types.FunctionResponse(id=id, name="rate", response={"rate": 4})
    parts = [types.Part(function_call=call), types.Part(function_response=result)]
    return LlmRequest(contents=[types.Content(parts=[part]) for part in parts])


class Answer(BaseModel):
    rate: float


SAME = [
    (called("adk-1"), called("call_7")),
    (asking("?", labels={"adk_agent_name": "A"}), asking("?", labels={"run": "2"})),
    (asking("?", response_schema=Answer), asking("?", response_schema=Answer)),
    (asking("It is 2026-03-01."), asking("It is 2026-03-01.")),
]
OTHER = [
    asking("?"),
    asking("!"),
    asking("?", temperature=0.5),
    asking("?", system_instruction="Be brief."),
    asking("?", response_schema=Answer),
    asking("?", tools=[types.Tool(google_search=types.GoogleSearch())]),
    asking("From 2024-01-01T10:00:00."),
    asking("From 2024-01-01T11:00:00."),
    asking("Order 3f2b8c1e-1111-4a4a-9b9b-0123456789ab"),
    asking("Order 3f2b8c1e-2222-4a4a-9b9b-0123456789ab"),
    called("1"),
    LlmRequest(contents=[types.Content(parts=[types.Part(text="?", thought_signature=b"\xff")])]),
    asking("?").model_copy(update={"model": "gpt-4o"}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_ids_and_bookkeeping_make_no_other_request(one, other):
    assert digest(one) == digest(other)


def test_whatever_a_model_is_told_makes_another_request():
    digests = [digest(request, stream) for request in OTHER for stream in (False, True)]

    assert len({*digests}) == len(digests)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f+00:00"])
def test_the_time_at_which_it_is_asked_is_none_of_it(form):
    def told(time):
        return asking(f"Now is {time.strftime(form)}; your last was 2020-02-02.")

    later = NOW + timedelta(days=3, hours=5)

    assert digest(told(NOW)) == digest(told(later), moments=[later])
    assert digest(told(NOW)) != digest(told(NOW), moments=[later])
    # what was answered then tells the time of then
    assert digest(told(NOW)) == digest(told(NOW), moments=[later, NOW])


# What is kept


async def test_an_answer_comes_back_as_it_was(tmp_path):
    rich = LlmResponse(
        content=types.ModelContent(
            [
                types.Part(text="Hm.", thought=True, thought_signature=b"\xff\x00\xfe"),
                types.Part(
                    function_call=types.FunctionCall(id="c1", name="f", args={"a": None, "b": [1]})
                ),
                types.Part(inline_data=types.Blob(data=bytes(range(256)), mime_type="image/png")),
            ]
        ),
        usage_metadata=types.GenerateContentResponseUsageMetadata(
            prompt_token_count=9, cached_content_token_count=4, thoughts_token_count=2
        ),
        grounding_metadata=types.GroundingMetadata(web_search_queries=["rates"]),
        citation_metadata=types.CitationMetadata(citations=[types.Citation(uri="u")]),
        finish_reason=types.FinishReason.MAX_TOKENS,
        error_code=types.FinishReason.MAX_TOKENS,  # as ADK writes an answer that was cut
        model_version="gpt-4o-mini-2",
        custom_metadata={"id": 7, "none": None},
        avg_logprobs=-0.25,
        partial=False,
    )
    pieces = [says("Good ", partial=True), says("day", partial=True), rich]
    model, file = Numbering(given=[pieces]), tmp_path / "c.jsonl"

    first = await ask(model, Tape(Cassette(file)))
    again = await ask(model, Tape(Cassette(file, asks=False)))

    assert model.calls == 1
    assert [answer.model_dump() for answer in again] == [answer.model_dump() for answer in first]
    assert first == pieces


@pytest.mark.parametrize(
    "failing",
    [
        [RuntimeError("busy")],
        [says("half", partial=True), RuntimeError("cut")],
        [LlmResponse(error_code="500", error_message="busy")],
    ],
)
async def test_errors_and_halves_are_not_kept_and_the_next_attempt_takes_their_place(
    tmp_path, failing
):
    model, file = Numbering(given=[failing, [says("good")]]), tmp_path / "c.jsonl"
    tape = Tape(Cassette(file))

    try:
        await ask(model, tape)
    except RuntimeError:
        assert len(tape.cassette.missing) == 1
    await ask(model, tape)

    assert words(await ask(model, Tape(Cassette(file, asks=False)))) == ["good"]
    assert len(file.read_text().splitlines()) == 1


async def test_a_caller_that_reads_the_first_response_only_is_answered_again(tmp_path):
    model, file = Numbering(), tmp_path / "c.jsonl"

    await ask(model, Tape(Cassette(file)), first=True)

    assert words(await ask(model, Tape(Cassette(file, asks=False)))) == ["answer 1"]


async def test_an_answer_that_is_cancelled_is_not_kept_and_one_refused_for_its_cost_not_missing(
    tmp_path,
):
    class Waiting(Numbering):
        async def generate_content_async(self, llm_request, stream=False):
            yield says("whole")
            reached.set()
            await asyncio.Event().wait()

    class Spent:
        def take(self):
            raise RuntimeError("spent")

        def pay(self, model, version, usage):
            raise AssertionError

        def listen(self, header, record):
            raise AssertionError

    reached, file = asyncio.Event(), tmp_path / "c.jsonl"
    task = asyncio.ensure_future(ask(Waiting(), Tape(Cassette(file))))
    await reached.wait()
    task.cancel()
    await asyncio.wait([task])
    spent = Cassette(file, limit=Spent())
    with pytest.raises(RuntimeError, match="spent"):
        await ask(Numbering(), Tape(spent))

    assert file.read_text() == ""
    assert (spent.missing, spent.asked) == ([], 0)


async def test_each_occurrence_in_each_trial_has_its_answer(tmp_path):
    model, file = Numbering(), tmp_path / "c.jsonl"

    async def trials(cassette):
        tapes = [Tape(cassette, trial) for trial in (1, 2)]
        return [words(await ask(model, tape)) for tape in tapes for _ in range(3)]

    first = await trials(Cassette(file))

    assert await trials(Cassette(file, asks=False)) == first
    assert len(set(map(tuple, first))) == 6 == model.calls


async def test_conversations_at_once_that_ask_the_same_pay_once(tmp_path):
    model, cassette = Numbering(), Cassette(tmp_path / "c.jsonl")

    given = await asyncio.gather(*(ask(model, Tape(cassette)) for _ in range(5)))

    assert {*map(tuple, map(words, given))} == {("answer 1",)}
    assert (model.calls, cassette.asked, cassette.replayed) == (1, 1, 4)


async def test_one_that_waits_and_is_cancelled_takes_nothing_from_the_others(tmp_path):
    model, cassette = Numbering(), Cassette(tmp_path / "c.jsonl")
    tasks = [asyncio.ensure_future(ask(model, Tape(cassette))) for _ in range(3)]
    await asyncio.sleep(0)

    tasks[1].cancel()

    await asyncio.wait(tasks)
    assert words(tasks[2].result()) == ["answer 1"]
    assert model.calls == 1


# Wherever it is asked


async def test_models_of_plugins_summarizers_and_wrappers_are_answered_too(tmp_path):
    def app_of(first, second, other):
        class Guard(BasePlugin):
            async def after_model_callback(self, *, callback_context, llm_response):
                async for _ in other.generate_content_async(asking("Is it fine?")):
                    pass

        root = LlmAgent(name="Root", model=FallbackModel(models=[first, second]))
        summarizer = LlmEventSummarizer(llm=other)
        compaction = EventsCompactionConfig(
            compaction_interval=1, overlap_size=0, summarizer=summarizer
        )
        return App(
            name="app",
            root_agent=root,
            plugins=[Guard(name="guard")],
            events_compaction_config=compaction,
        )

    async def run(file, *models):
        cassette = Cassette(tmp_path / "c.jsonl")
        app = override_models(app_of(*models), tape=Tape(cassette))
        return await run_conversation(app, ["Hello?"], file=tmp_path / file), cassette

    models = [Numbering(model="a"), Numbering(model="b"), Numbering(model="c")]
    first, recording = await run("1.jsonl", *models)
    again, replaying = await run("2.jsonl", *models)

    asked = sum(model.calls for model in models)
    assert (recording.asked, replaying.asked, replaying.replayed) == (asked, 0, asked)
    assert asked >= 3
    assert [(turn.llm_calls, turn.input_tokens) for turn in first.turns] == [(2, 200)]
    assert [(turn.llm_calls, turn.input_tokens) for turn in again.turns] == [(2, 200)]


async def test_the_failed_attempt_of_a_fallback_is_asked_for_until_it_is_answered(tmp_path):
    class Busy(Exception):
        status_code = 429

    models, file = [Numbering(given=[[Busy()]]), Numbering(model="b")], tmp_path / "c.jsonl"

    asked = []
    for _ in range(3):
        cassette = Cassette(file)
        await ask(FallbackModel(models=[*models]), Tape(cassette))
        asked.append(cassette.asked)

    assert asked == [2, 1, 0]
    assert [model.calls for model in models] == [2, 1]


# The file


def test_it_is_for_its_owner_and_follows_no_link(tmp_path):
    (tmp_path / "there").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    file = tmp_path / "new" / "c.jsonl"

    Cassette(file)

    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CassetteError, match="it is a link"):
        Cassette(tmp_path / "link")


OTHERS = [b"a: 1", b'{"flow_log":1}', b'{"cassette":9,"place":["a",1,1]}', b"\0\xff", b"\n"]


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("text", [*OTHERS, *(text + b"\n" for text in OTHERS)])
def test_another_file_is_refused_and_left_as_it_is(tmp_path, text, asks):
    file = tmp_path / "c.jsonl"
    file.write_bytes(text)
    file.chmod(0o644)

    with pytest.raises(CassetteError, match="is no cassette"):
        Cassette(file, asks=asks)

    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (text, 0o644)


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("kind", ["device", "fifo", "folder"])
def test_what_is_no_file_is_refused_without_being_read(tmp_path, kind, asks):
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / "fifo")
    if kind == "fifo":
        os.mkfifo(path)

    with pytest.raises(CassetteError, match=f"{path}: is no file"):
        Cassette(path, asks=asks)


def test_a_place_that_cannot_be_written_is_told_without_advice_about_its_folder(caplog):
    with pytest.raises(CassetteError, match=r"/proc/c.jsonl: cannot be written there: No such"):
        Cassette(Path("/proc/c.jsonl"))

    assert not caplog.records


def test_without_leave_to_ask_it_must_be_there(tmp_path):
    with pytest.raises(CassetteError, match=r"c.jsonl: does not exist; say how many"):
        Cassette(tmp_path / "c.jsonl", asks=False)

    assert not [*tmp_path.iterdir()]


async def test_cut_anywhere_it_is_read_as_far_as_it_goes_and_added_to(tmp_path):
    model, file = Numbering(), tmp_path / "c.jsonl"
    for text in ("one", "two"):
        await ask(model, Tape(Cassette(file)), text)
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    cuts = [1, first - 1, first, first + 1, len(whole) - 1]

    for cut in [*cuts, *random.Random(1).sample(range(len(whole)), 20)]:
        file.write_bytes(whole[:cut])
        cassette = Cassette(file)
        for text in ("one", "two"):
            await ask(model, Tape(cassette), text)
        assert cassette.replayed == whole[:cut].count(b"\n")
        assert Cassette(file, asks=False)._answers.keys() == cassette._answers.keys()


def _add(file, number):
    async def add():
        cassette = Cassette(file)
        for each in range(20):
            await ask(Numbering(), Tape(cassette, number), f"{each}" * 3000)

    asyncio.run(add())


def test_several_processes_add_whole_lines(tmp_path):
    file = tmp_path / "c.jsonl"
    fork = multiprocessing.get_context("fork")  # which imports nothing again
    writers = [fork.Process(target=_add, args=(file, number)) for number in (1, 2, 3)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(Cassette(file)._answers) == 60 == file.read_bytes().count(b"\n")
