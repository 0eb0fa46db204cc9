"""What a tool runs in threads: a Runner, or a model, is that tool's as long as its call is open."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow import FlowPlugin, read_log
from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent

POOL = ThreadPoolExecutor(1)
"""One that there was before any tool, and that serves several sessions in one thread."""


def in_thread(work):
    threads = [threading.Thread(target=work)]
    threads[0].start()
    threads[0].join()


class Worker(threading.Thread):
    def __init__(self, work):
        super().__init__()
        self.work = work

    def run(self):
        self.work()


def in_subclass(work):
    worker = Worker(work)
    worker.start()
    worker.join()


def in_new_pool(work):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def in_old_pool(work):
    POOL.submit(work).result()


async def in_executor(work):
    await asyncio.get_running_loop().run_in_executor(None, work)


WAYS = {
    way.__name__: way for way in (in_thread, in_subclass, in_new_pool, in_old_pool, in_executor)
}


async def hold(runner, *sessions):
    await asyncio.gather(*(talk(runner, session) for session in sessions))
    await runner.close()


async def talk(runner, session):
    place = {"user_id": "u", "session_id": session}
    await runner.session_service.create_session(app_name="app", **place)
    async for _ in runner.run_async(**place, new_message=types.UserContent("Go.")):
        pass


def runner_of(root, *plugins):
    app = App(name="app", root_agent=root, plugins=list(plugins))
    return Runner(app=app, session_service=InMemorySessionService())


class Asks(Scripted):
    """Calls its tool once in each session, whichever comes first."""

    def _next(self, request):
        asked = any(part.function_response for c in request.contents for part in c.parts or ())
        return "Done." if asked else call("ask")


def lead_of(way, work):
    """A lead whose tool does some work in a thread."""

    async def ask() -> str:
        """Asks."""
        if waits := way(work):
            await waits
        return "asked"

    return agent("Lead", Asks(), tools=[ask])


def turns_of(plugin):
    logs = [read_log(path) for path in dict.fromkeys(plugin.paths)]
    return {log.header.session: trace_log(log).turns for log in logs}


@pytest.mark.parametrize("way", WAYS)
async def test_a_runner_in_a_thread_belongs_to_the_tool_that_started_it(way, tmp_path):
    plugin, ran = FlowPlugin(directory=tmp_path), []

    def work():
        ran.append(len(ran))
        child = agent("Child", Scripted(script={"Child": ["Said."]}))
        asyncio.run(hold(runner_of(child, plugin), f"child{ran[-1]}"))

    await hold(runner_of(lead_of(WAYS[way], work), plugin), "s0", "s1", "s2")

    turns = turns_of(plugin)
    assert sorted(turns) == ["s0", "s1", "s2"] and len(ran) == 3
    for (turn,) in turns.values():
        moves = [(m.kind, m.source, m.target) for m in turn.moves if m.kind in ("call", "return")]
        assert moves == [("call", "Lead", "Child"), ("return", "Child", "Lead")]
        assert len(turn.asked_models) == 3 and turn.complete
    assert not plugin.faults


@pytest.mark.parametrize("way", WAYS)
async def test_a_model_that_no_recorder_is_beside_counts_in_the_tool(way, tmp_path):
    plugin = FlowPlugin(directory=tmp_path)

    def work():
        child = agent("Child", Scripted(script={"Child": ["Said."]}))
        asyncio.run(hold(runner_of(child), "child"))

    await hold(runner_of(lead_of(WAYS[way], work), plugin), "s")

    (log,) = map(read_log, plugin.paths)
    (turn,) = measure(trace_log(log))
    assert (turn.llm_calls, turn.input_tokens) == (3, 60)


async def test_a_thread_that_outlives_its_tool_is_on_its_own(tmp_path):
    plugin, may_begin = FlowPlugin(directory=tmp_path), threading.Event()
    child = agent("Child", Scripted(script={"Child": ["Said."]}))
    threads = []

    def work():
        may_begin.wait()
        asyncio.run(hold(runner_of(child, plugin), "child"))

    def leave(work):
        threads.append(threading.Thread(target=work))
        threads[0].start()

    await hold(runner_of(lead_of(leave, work), plugin), "s")
    may_begin.set()
    threads[0].join()

    turns = turns_of(plugin)
    assert {name: len(turn.asked_models) for name, (turn,) in turns.items()} == {"s": 2, "child": 1}
