"""What adk-flow relies on in google-adk, one test a fact: a release that changes one says so here.

Measured on google-adk 2.13.0.
"""

import ast
import asyncio
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import google.adk
import pytest
from google.adk.agents import LoopAgent, SequentialAgent
from google.adk.agents.run_config import ToolThreadPoolConfig
from google.adk.apps import App
from google.adk.evaluation._efficiency_evaluators import (
    _InferenceCallCountV1Evaluator,
    _TokenUsageV1Evaluator,
    _ToolCallCountV1Evaluator,
)
from google.adk.evaluation.evaluation_generator import EvaluationGenerator
from google.adk.events.event import Event
from google.adk.models.gemini_llm_connection import GeminiLlmConnection
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner, Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import google_search
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.log.schema import TOOL_POOL
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.agents import ASKING, ELSEWHERE
from callbacks.tool_threads import ToolThreads
from tests.doubles.flow import agent, record
from tests.doubles.models import Answering


def hooks(flow, *, without=("before_model", "after_model", "before_tool", "after_tool")):
    return [
        f"{record.hook} {record.agent}" for record in flow.log.records if record.hook not in without
    ]


async def test_an_agent_that_transfers_away_never_gets_after_agent(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["s"]})
    root = agent("Root", model, sub_agents=[agent("Savings", model)])

    flow = await record(root, ["?"], tmp_path)

    assert hooks(flow) == [
        "user_message Root",
        "before_run Root",
        "before_agent Root",
        "event Root",
        "event Root",
        "before_agent Savings",
        "event Savings",
        "after_agent Savings",
        "after_run Root",
    ]


async def test_below_a_sequential_agent_the_same_transfer_is_nested(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["s"]})
    lead = agent("Root", model, sub_agents=[agent("Savings", model)])

    flow = await record(SequentialAgent(name="Steps", sub_agents=[lead]), ["?"], tmp_path)

    assert [line for line in hooks(flow) if "_agent" in line] == [
        "before_agent Steps",
        "before_agent Root",
        "before_agent Savings",
        "after_agent Savings",
        "after_agent Root",
        "after_agent Steps",
    ]


async def test_the_transfer_event_comes_before_its_target_begins(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["s"]})
    root = agent("Root", model, sub_agents=[agent("Savings", model)])

    records = (await record(root, ["?"], tmp_path)).log.records

    event = next(i for i, record in enumerate(records) if record.transfer == "Savings")
    began = [i for i, record in enumerate(records) if record.hook == "before_agent"][1]
    assert event < began


async def test_an_agent_tool_runs_nested_with_the_same_plugins(tmp_path):
    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])

    flow = await record(root, ["?"], tmp_path)

    runs = [record for record in flow.log.records if record.hook in ("before_run", "after_run")]
    assert [(record.hook, record.run) for record in runs] == [
        ("before_run", 1),
        ("before_run", 2),
        ("after_run", 2),
        ("after_run", 1),
    ]


async def test_the_tokens_of_an_agent_tools_child_never_reach_the_session(tmp_path):
    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])

    flow = await record(root, ["?"], tmp_path)

    reported = sum(event.usage_metadata is not None for event in flow.events)
    assert (reported, flow.hooks.count("after_model")) == (2, 3)


async def test_a_transfer_to_nobody_fires_only_run_error(tmp_path):
    model = Scripted(script={"Root": [transfer("Nobody")]})

    flow = await record(agent("Root", model, sub_agents=[agent("Savings", model)]), ["?"], tmp_path)

    assert flow.hooks[-3:] == ["after_tool", "event", "run_error"]
    assert "Nobody" in str(flow.errors[0])


async def test_an_answer_in_place_of_the_model_fires_no_after_model(tmp_path):
    root = agent("Root", Scripted())

    flow = await record(root, ["?"], tmp_path, plugins=[Answering("answering")])

    assert "before_model" in flow.hooks
    assert "after_model" not in flow.hooks
    assert flow.log.records[-3].text == "From a plugin."


async def test_the_agents_name_stands_in_the_requests_labels(tmp_path):
    seen = []

    class Labels(Scripted):
        async def generate_content_async(self, llm_request, stream=False):
            seen.append(llm_request.config.labels["adk_agent_name"])
            yield LlmResponse(content=types.ModelContent("r"))

    await record(agent("Root", Labels()), ["?"], tmp_path)

    assert seen == ["Root"]


async def test_the_last_replier_holds_the_next_turn_unless_it_may_not_return(tmp_path):
    for disallowed, active_agent in ((False, "Savings"), (True, "Root")):
        model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["s"]})
        savings = agent("Savings", model, disallow_transfer_to_parent=disallowed)
        flow = await record(
            agent("Root", model, sub_agents=[savings]), ["?"], tmp_path / active_agent
        )
        assert flow.log.records[-1].active_agent == active_agent


async def test_beside_a_search_tool_only_gemini_3_is_offered_transfers_and_the_turn_is_kept(
    tmp_path,
):
    for name, offered in (("gemini-2.0-flash", False), ("gemini-3-flash-preview", True)):
        model = Scripted(model=name, script={"Root": [transfer("Savings")], "Savings": ["s", "t"]})
        savings = agent("Savings", model, tools=[google_search])
        flow = await record(agent("Root", model, sub_agents=[savings]), ["?", "?"], tmp_path / name)
        asked = [one.request for one in flow.log.records if one.request and one.agent == "Savings"]
        assert ["transfer_to_agent" in one.tools for one in asked] == [offered, offered]
        assert flow.log.records[-1].active_agent == "Savings"


async def test_a_lead_with_a_search_tool_fails_unless_its_model_is_gemini_3(tmp_path):
    for name, failed in (("gemini-2.0-flash", 1), ("gemini-3-flash-preview", 0)):
        model = Scripted(model=name, script={"Root": ["r"]})
        savings = agent("Savings", model)
        root = agent("Root", model, tools=[google_search], sub_agents=[savings])
        flow = await record(root, ["?"], tmp_path / name)
        assert len(flow.errors) == failed


async def test_an_agent_of_another_class_never_holds_the_next_turn(tmp_path):
    model = Scripted(script={"Root": [transfer("Again")], "Savings": ["s"]})
    again = LoopAgent(name="Again", sub_agents=[agent("Savings", model)], max_iterations=1)
    flow = await record(agent("Root", model, sub_agents=[again]), ["?"], tmp_path)
    assert flow.log.records[-1].active_agent == "Root"


async def test_a_consumer_that_stops_early_loses_after_agent_but_not_after_run(tmp_path):
    from adk_flow.log.reader import read_log
    from adk_flow.record.plugin import FlowPlugin

    plugin = FlowPlugin(directory=tmp_path)
    root = agent("Root", Scripted(script={"Root": ["r"]}))
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    stream = runner.run_async(user_id="u", session_id="s", new_message=types.UserContent("?"))
    async for event in stream:
        if event.is_final_response():
            break
    await stream.aclose()
    await runner.close()

    hooks_seen = [record.hook for record in read_log(plugin.paths[0]).records]
    assert "after_agent" not in hooks_seen
    assert hooks_seen[-1] == "after_run"


@pytest.mark.parametrize("pool", [False, True])
async def test_sync_tools_run_on_the_loop_unless_the_run_has_a_thread_pool(tmp_path, pool):
    """The pool is set by a plugin where the run begins, as the desk does."""
    threads = []

    def work() -> dict:
        """Works."""
        threads.append(threading.current_thread() is threading.main_thread())
        return {}

    class Pool(BasePlugin):
        async def before_run_callback(self, *, invocation_context):
            config = ToolThreadPoolConfig(max_workers=2)
            invocation_context.run_config = invocation_context.run_config.model_copy(
                update={"tool_thread_pool_config": config}
            )

    model = Scripted(
        script={"Root": [call("Child", request="x"), "r"], "Child": [call("work"), "c"]}
    )
    root = agent("Root", model, tools=[AgentTool(agent("Child", model, tools=[work]))])

    await record(root, ["?"], tmp_path, plugins=[Pool("pool")] if pool else [])

    assert threads == [not pool]


async def test_parallel_tool_calls_run_in_tasks_of_their_own(tmp_path):
    tasks = []

    async def work(n: int) -> dict:
        """Works."""
        tasks.append(asyncio.current_task())
        return {}

    model = Scripted(script={"Root": [[call("work", n=1), call("work", n=2)], "r"]})

    await record(agent("Root", model, tools=[work]), ["?"], tmp_path)

    assert len({id(task) for task in tasks}) == 2


@pytest.mark.parametrize(
    ("pooled", "is_async", "thread"),
    [(True, False, TOOL_POOL), (True, True, "MainThread"), (False, False, "MainThread")],
)
async def test_a_sync_function_runs_in_adks_pool_only_if_the_run_config_says_so(
    tmp_path, pooled, is_async, thread
):
    """The recorder tells the thread by this rule, as no hook fires in it."""
    seen = []

    def quote() -> str:
        """Quotes."""
        seen.append(threading.current_thread().name)
        return "5%"

    async def quote_async() -> str:
        """Quotes."""
        return quote()

    tool = quote_async if is_async else quote
    model = Scripted(script={"Root": [[call(tool.__name__), call(tool.__name__)], "5%."]})
    root = agent("Root", model, tools=[tool])

    flow = await record(root, ["Cost?"], tmp_path, plugins=[ToolThreads()] if pooled else [])

    told = [one for one in flow.log.records if one.hook == "before_tool"]
    assert {name.partition("_0")[0].partition("_1")[0] for name in seen} == {thread}
    assert {one.thread for one in told} == {thread}
    assert len({one.task for one in told}) == 2


@pytest.mark.skipif(find_spec("a2a") is not None, reason="a2a is installed")
async def test_each_run_of_a_node_tries_an_import_that_cannot_succeed(tmp_path, monkeypatch):
    """The recorder spares it the app; once ADK does not try, `record.failing_import` can go."""
    missing = "google.adk.agents.remote_a2a_agent"
    monkeypatch.delitem(sys.modules, missing, raising=False)
    tried = []

    class Watching:
        def find_spec(self, name, path=None, target=None):
            if name == missing:
                tried.append(name)

    monkeypatch.setattr(sys, "meta_path", [Watching(), *sys.meta_path])
    model = Scripted(script={"Root": ["a", "b", "c", "d"]})
    root = agent("Root", model)
    runner = InMemoryRunner(root)
    for _ in range(2):
        await runner.run_debug("?", quiet=True)
    before = len(tried)

    await record(root, ["?", "?"], tmp_path)

    assert before >= 2
    assert len(tried) == before


async def test_adks_own_efficiency_metrics_miss_what_runs_inside_an_agent_tool(tmp_path):
    """The README's figure; once ADK counts all, it can go."""
    model = Scripted(
        script={
            "Root": [call("Loans", request="Cost?"), "5%."],
            "Loans": [call("look_up"), "5%"],
        },
        tokens=(100, 10),
    )

    def look_up() -> dict:
        """Looks the rate up."""
        return {"rate": "5%"}

    loans = agent("Loans", model, tools=[look_up])
    root = agent("Root", model, tools=[AgentTool(loans)])
    flow = await record(root, ["Cost?"], tmp_path, model=model)
    asked = Event(author="user", invocation_id=flow.events[0].invocation_id)
    asked.content = types.UserContent("Cost?")

    invocations = EvaluationGenerator.convert_events_to_eval_invocations([asked, *flow.events])

    def value(evaluator):
        return evaluator.evaluate_invocations(invocations).overall_score

    assert [value(of()) for of in (_InferenceCallCountV1Evaluator, _TokenUsageV1Evaluator)] == [
        *(2, 220),
    ]
    assert value(_ToolCallCountV1Evaluator()) == 1
    assert (flow.llm_calls, flow.tokens, flow.tool_calls, flow.agent_calls) == (4, 440, 1, 1)
    assert sum(model._taken.values()) == 4


@pytest.mark.parametrize("model", ["gemini-live-2.5-flash", "gemini-3.1-flash-live-preview"])
async def test_gemini_2_completes_a_live_exchange_by_its_calls_and_gemini_3_does_not(model):
    asked = types.LiveServerToolCall(function_calls=[types.FunctionCall(name="look", id="1")])
    sent = [types.LiveServerMessage(tool_call=asked)]
    if model.startswith("gemini-live-2.5"):
        complete = types.LiveServerContent(turn_complete=True)
        sent.append(types.LiveServerMessage(server_content=complete))

    class Server:
        session_id = "s"

        async def receive(self):
            for message in sent:
                yield message

    server: Any = Server()
    given = [one async for one in GeminiLlmConnection(server, model_version=model).receive()]

    names = [one.content.parts[0].function_call.name if one.content else "" for one in given]
    assert [(name, bool(one.turn_complete)) for name, one in zip(names, given, strict=True)] == [
        ("look", False),
        *[("", True)] * (len(sent) - 1),
    ]


def test_adk_has_no_other_kinds_of_agent_than_those_whose_calls_are_told_or_unknown():
    folder = Path(google.adk.__file__ or "").parent
    texts = (path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    trees = [ast.walk(ast.parse(text)) for text in texts if "(BaseAgent" in text]
    classes = [node for tree in trees for node in tree if isinstance(node, ast.ClassDef)]
    kinds = {one.name for one in classes if "BaseAgent" in map(ast.unparse, one.bases)}

    assert kinds == ASKING | ELSEWHERE | {"RemoteA2aAgent"}
