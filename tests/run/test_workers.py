"""Several workers of one app over the same sessions, which lie in a database."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import DatabaseSessionService
from google.genai import types
from pydantic import PrivateAttr

from adk_flow.analysis.trace_reader import read_trace, trace_log
from adk_flow.log.parts import read_sessions
from adk_flow.models.scripted import Scripted
from adk_flow.record.plugin import FlowPlugin
from tests.doubles import postgres
from tests.doubles import workers as two_workers

needs_postgres = pytest.mark.skipif(
    postgres.programs() is None, reason="no Postgres; on Debian: apt-get install postgresql"
)
ON_POSTGRES = (pytest.mark.environments, needs_postgres)


@pytest.mark.environments
@needs_postgres
def test_though_a_worker_is_killed_every_turn_answered_is_in_a_log_once(tmp_path):
    result = two_workers.run(12, tmp_path)

    recorded = two_workers.recorded(result.logs)
    assert len(result.answers) == 36
    assert [recorded[answer.invocation] for answer in result.answers] == [1] * 36
    files = [path for folder in result.logs for path in folder.rglob("*.jsonl")]
    unsent = 0
    for log in read_sessions(files):
        answers = {each.invocation: each for each in result.answers}
        answers = {i: each for i, each in answers.items() if each.session == log.header.session}
        ended = [turn for turn in trace_log(log).turns if turn.complete]
        turns = [turn for turn in ended if turn.invocation in answers]
        unsent += len(ended) - len(turns)
        assert [turn.invocation for turn in turns] == [*answers]
        assert [turn.messages[-1].text for turn in turns] == [a.text for a in answers.values()]
    assert unsent <= result.cut_off  # turns that the killed worker ended, and could not answer


# Of two workers on SQLite, which has no row locks, ADK 2.13 may refuse neither.
WORKERS = pytest.mark.parametrize(
    ("database", "workers"),
    [
        ("sqlite", 1),
        pytest.param("postgres", 1, marks=ON_POSTGRES),
        pytest.param("postgres", 2, marks=ON_POSTGRES),
    ],
    indirect=["database"],
)


@pytest.fixture
def database(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/sessions.db"
        return
    with postgres.postgres() as address:
        yield address


class Meeting(DatabaseSessionService):
    """Gives a session once two have asked for it."""

    def __init__(self, database, loaded):
        super().__init__(database)
        self.loaded = loaded

    async def get_session(self, **words):
        found = await super().get_session(**words)
        await self.loaded.wait()
        return found


class Overtaken(Scripted):
    """Answers once two have asked it; tells when the first has."""

    _first: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)
    _both: asyncio.Barrier = PrivateAttr(default_factory=lambda: asyncio.Barrier(2))

    async def generate_content_async(self, llm_request, stream=False):
        self._first.set()
        await self._both.wait()
        yield LlmResponse(content=types.ModelContent("Yes."))


@asynccontextmanager
async def working(services, model, logs):
    """Runs a worker a service, each with logs of its own; gives the first and the last."""
    async with AsyncExitStack() as stack:
        pool = []
        for number, service in enumerate(services):
            await stack.enter_async_context(service)
            root, plugin = (
                LlmAgent(name="Root", model=model),
                FlowPlugin(directory=logs / str(number)),
            )
            app = App(name="app", root_agent=root, plugins=[plugin])
            pool.append(Runner(app=app, session_service=service))
        await services[0].create_session(app_name="app", user_id="u", session_id="s")
        yield pool[0], pool[-1]


async def say(runner, words):
    """Gives the name of the error that a message ends with, or nothing."""
    message = types.UserContent(words)
    try:
        async for _ in runner.run_async(user_id="u", session_id="s", new_message=message):
            pass
    except Exception as error:
        return type(error).__name__
    return ""


def told(logs):
    """What the logs tell of each message: the name of the error that it ended with, if any."""
    turns = read_trace(*logs.rglob("*.jsonl")).turns
    assert all(turn.failed == bool(turn.error) and turn.complete for turn in turns)
    return {turn.question: turn.error.partition(":")[0] for turn in turns}


@WORKERS
async def test_of_two_messages_at_once_the_one_refused_failed(database, workers, tmp_path):
    loaded, model = asyncio.Barrier(2), Scripted(script={"Root": ["Yes."]})
    services = [Meeting(database, loaded) for _ in range(workers)]
    async with working(services, model, tmp_path) as (first, second):
        answers = await asyncio.gather(say(first, "A?"), say(second, "B?"))

    assert sorted(answers) == ["", "StaleSessionError"]
    assert told(tmp_path) == dict(zip(("A?", "B?"), answers, strict=True))


@WORKERS
async def test_a_turn_that_another_overtook_failed(database, workers, tmp_path):
    model = Overtaken(script={})
    services = [DatabaseSessionService(database) for _ in range(workers)]
    async with working(services, model, tmp_path) as (first, second):
        overtaken = asyncio.create_task(say(first, "A?"))
        await model._first.wait()
        answers = {"B?": await say(second, "B?"), "A?": await overtaken}

    assert answers == {"A?": "StaleSessionError", "B?": ""}
    assert told(tmp_path) == answers
