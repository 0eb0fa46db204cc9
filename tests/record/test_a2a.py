"""An agent behind a real A2A server: what crosses the border, and what stays unknown on this side.

The oracle is the log of the server, which records its own calls.
"""

import asyncio
import socket
from contextlib import asynccontextmanager
from enum import Enum
from io import StringIO
from itertools import product
from types import MappingProxyType
from typing import Any

import httpx
import msgspec
import pytest
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.runners import InMemoryRunner, Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.long_running_tool import LongRunningFunctionTool
from google.genai import types
from opentelemetry import context, propagate
from pydantic import Field

from adk_flow import FlowPlugin, read_trace
from adk_flow.analysis.metrics import measure
from adk_flow.check.evaluate import check_rules
from adk_flow.check.flow import Flow
from adk_flow.check.rules import read_rules
from adk_flow.log.schema import Record
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.remote import of_remote
from adk_flow.render.narration import Narrator
from adk_flow.scenario.conversation import Canary
from tests.doubles.flow import record

pytest.importorskip("a2a", reason="needs a2a-sdk")

import uvicorn
from a2a.client.client import ClientConfig
from a2a.client.client_factory import ClientFactory
from a2a.server.agent_execution import AgentExecutor
from google.adk.a2a import _compat
from google.adk.a2a.converters.request_converter import convert_a2a_request_to_agent_run_request
from google.adk.a2a.converters.to_adk_event import MOCK_FUNCTION_CALL_FOR_REQUIRED_USER_INPUT
from google.adk.a2a.executor.a2a_agent_executor import A2aAgentExecutor
from google.adk.a2a.executor.config import A2aAgentExecutorConfig
from google.adk.a2a.utils.agent_to_a2a import to_a2a
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent


def look(what: str) -> dict:
    """Looks."""
    return {"there": what}


def ask(what: str) -> None:
    """Asks a human."""


class Growing(Scripted):
    """Reports more tokens each time, and what it streams in parts too."""

    reported: list[int] = Field(default_factory=list)

    async def generate_content_async(self, llm_request, stream=False):
        self.tokens = (self.tokens[0] + 1, 10)
        async for response in super().generate_content_async(llm_request, stream):
            self.reported.append(self.tokens[0])
            if stream and isinstance(response.content.parts[0].text, str):
                yield response.model_copy(update={"partial": True})
            yield response


class Asking(AgentExecutor):
    """A server that is not ADK's, and asks its user something."""

    async def execute(self, context, event_queue):
        await _compat.enqueue_submitted_signal(event_queue, context=context)
        words = _compat.make_message(
            message_id="m", role="agent", parts=[_compat.make_text_part("Which?")]
        )
        status = _compat.make_task_status(_compat.TS_INPUT_REQUIRED, message=words)
        place = (context.task_id, context.context_id)
        await event_queue.enqueue_event(_compat.make_task_status_update_event(*place, status))

    async def cancel(self, context, event_queue):
        raise NotImplementedError


@asynccontextmanager
async def serving(
    agent: Any,
    plugin: FlowPlugin,
    *,
    instrument=False,
    is_new=False,
    streams=True,
    executor: Any = None,
    **told: Any,
):
    """Serves an agent on 127.0.0.1; gives an agent that stands for it, with what more it is told.

    Both sides may be instrumented, as OpenTelemetry's packages for HTTP do it, or be those of ADK's
    new integration, whose models stream here; the client may want its answer as a whole.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = App(name=agent.name, root_agent=agent, plugins=[plugin])
    runner = Runner(app=app, session_service=InMemorySessionService())
    executor = _new_executor if is_new else executor
    new: Any = {"agent_executor_factory": executor} if executor else {}
    served = to_a2a(agent, host="127.0.0.1", port=port, runner=runner, **new)
    inject = [_inject] if instrument else []
    served = _extracting(served) if instrument else served
    server = uvicorn.Server(uvicorn.Config(served, log_level="error", ws="none"))
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0)
    try:
        card = f"http://127.0.0.1:{port}/.well-known/agent-card.json"
        async with httpx.AsyncClient(event_hooks={"request": inject}) as client:
            told |= {"name": agent.name, "description": agent.description}
            told |= {"use_legacy": False} if is_new else {}
            clients = ClientFactory(ClientConfig(streaming=streams, httpx_client=client))
            yield RemoteA2aAgent(**told, agent_card=card, a2a_client_factory=clients)
    finally:
        server.should_exit = True
        await task
        await runner.close()


def _new_executor(runner):
    def streaming(*request):
        asked = convert_a2a_request_to_agent_run_request(*request)
        asked.run_config = RunConfig.model_validate({"streaming_mode": "sse"})
        return asked

    config = A2aAgentExecutorConfig(request_converter=streaming)
    return A2aAgentExecutor(runner=runner, config=config, use_legacy=False, force_new_version=True)


async def _inject(request):
    propagate.inject(request.headers)


def _extracting(app):
    async def served(scope, receive, send):
        headers = {key.decode(): value.decode() for key, value in scope.get("headers", ())}
        context.attach(propagate.extract(headers))
        await app(scope, receive, send)

    return served


async def both_sides(folder, far, *questions, wire: Any = MappingProxyType({}), **options):
    """Asks a lead that hands over to a remote agent; gives the flows of both sides."""
    plugin = FlowPlugin(directory=folder / "far")
    async with serving(far, plugin, **wire) as remote:
        near = Scripted(script={"Root": [transfer(far.name)] * len(questions)}, tokens=(100, 10))
        root = LlmAgent(name="Root", model=near, sub_agents=[remote])
        flow = await record(root, list(questions), folder / "near", **options)
    return flow, read_trace(plugin.paths[0])


async def test_a_remote_that_runs_two_tools_is_drawn_and_its_calls_stay_unknown(tmp_path):
    script = {"Far": [[call("look", what="a"), call("look", what="b")], "It is there."]}
    model = Growing(script=script)
    far = LlmAgent(name="Far", description="Far.", model=model, tools=[look])
    stream = StringIO()

    flow, there = await both_sides(tmp_path, far, "Go.", listener=Narrator(stream))

    (near,), (turn,) = measure(flow.trace), measure(there)
    assert (near.llm_calls, near.seen_llm_calls, near.remote_agents) == (None, 1, ["Far"])
    assert near.agents["Far"].input_tokens == turn.input_tokens
    assert near.agents["Far"].output_tokens == turn.output_tokens
    assert (near.input_tokens, near.output_tokens) == (100 + sum(model.reported), 10 + 2 * 10)
    assert near.answer == turn.answer == "It is there."
    here, over_there = (trace.turns[0].tool_runs for trace in (flow.trace, there))
    drawn = [tool for tool in here if tool.kind == "function"]
    assert [(tool.id, tool.name) for tool in drawn] == [(one.id, one.name) for one in over_there]
    assert all(tool.ended > tool.record for tool in drawn)
    assert near.tool_calls == turn.tool_calls == 2
    assert [finding.kind for finding in flow.findings] == ["unexpected_holder"]
    assert "1 LLM call + unknown calls of Far" in " ".join(stream.getvalue().split())
    with pytest.raises(Exception, match="cannot be known"):
        flow.cost()


WAYS = pytest.mark.parametrize(("is_new", "streams"), [*product([False, True], repeat=2)])


@WAYS
@pytest.mark.parametrize("last", ["There.", call("ask", what="b"), RuntimeError("out of order")])
async def test_tokens_of_a_remote_are_what_its_models_reported_or_unknown(
    tmp_path, is_new, streams, last
):
    """Where ADK tells a peer's usage once more, or only the last, nobody can say what it took."""
    model = Growing(script={"Far": [call("look", what="a"), last]})
    tools = [look, LongRunningFunctionTool(ask)]
    far = LlmAgent(name="Far", description="Far.", model=model, tools=tools)

    wire = {"is_new": is_new, "streams": streams}
    flow, there = await both_sides(tmp_path, far, "Go.", wire=wire)

    (near,), (turn,), failed = measure(flow.trace), measure(there), isinstance(last, Exception)
    known = sum(model.reported) if is_new or (streams and not failed) else None
    assert near.agents["Far"].input_tokens == known
    assert turn.input_tokens == sum(model.reported)
    assert near.tools.get("ask", 0) == (last == call("ask", what="b"))
    assert near.error == ("FAILED: out of order" if failed else "")


async def test_of_a_remote_that_is_waited_for_no_more_tokens_are_unknown(tmp_path):
    """The server goes on, and its client hears of it no more."""
    heard = asyncio.Event()

    class Slow(Growing):
        async def generate_content_async(self, llm_request, stream=False):
            if self.reported:
                await heard.wait()
                asking.cancel()
            async for response in super().generate_content_async(llm_request, stream):
                yield response

    def listen(header, record):
        if record.agent == "Far" and record.responses:
            heard.set()

    model = Slow(script={"Far": [call("look", what="a"), "There."]})
    far = LlmAgent(name="Far", description="Far.", model=model, tools=[look])
    asking = asyncio.create_task(both_sides(tmp_path, far, "Go.", listener=listen))

    with pytest.raises(asyncio.CancelledError):
        await asking

    (near,) = measure(read_trace(next(tmp_path.glob("near/**/*.jsonl"))))
    assert (near.agents["Root"].input_tokens, near.agents["Far"].input_tokens) == (100, None)


async def test_a_call_that_adk_makes_up_for_what_a_server_asks_is_no_tool_call(tmp_path):
    far, plugin = LlmAgent(name="Far", description="Far."), FlowPlugin(directory=tmp_path / "far")
    async with serving(far, plugin, executor=lambda _: Asking()) as remote:
        model = Scripted(script={"Root": [transfer("Far")]})
        root = LlmAgent(name="Root", model=model, sub_agents=[remote])

        flow = await record(root, ["Go."], tmp_path)

    (made_up,) = [call for event in flow.events for call in event.get_function_calls()][1:]
    assert made_up.name == MOCK_FUNCTION_CALL_FOR_REQUIRED_USER_INPUT
    assert (flow.total.tools, flow.figures[0].waits_for) == ({}, ["Far"])


async def test_what_ends_a_remote_task_is_no_tool_call(tmp_path):
    script = {"Root": [call("Far", request="?"), "Yes."], "Far": [call("look", what="a")]}
    script["Far"].append(call("finish_task", result="There."))
    model = Scripted(script=script)
    far = LlmAgent(name="Far", description="Far.", model=model, tools=[look], mode="task")
    async with serving(far, FlowPlugin(directory=tmp_path / "far"), mode="task") as remote:
        root = LlmAgent(name="Root", model=model, sub_agents=[remote])

        flow = await record(root, ["Go."], tmp_path / "near", model=model)

    assert (flow.total.tools, flow.figures[0].answer) == ({"look": 1}, "Yes.")


class Old(Enum):
    """Roles and states as a2a-sdk 0.3 has them, which ADK 1 hands on."""

    AGENT = "agent"
    FAILED = "failed"


def test_a_task_that_a2a_0_3_tells_as_a_whole_is_read_too():
    usage = {"adk_usage_metadata": {"promptTokenCount": 9}}
    response = {
        "status": {"state": Old.FAILED},
        "history": [{"role": Old.AGENT}],
        "metadata": usage,
    }
    told = {"a2a:context_id": "c", "a2a:response": response}
    event = Event(author="Far", custom_metadata=told, content=types.ModelContent("Ouch."))

    one = of_remote(event, str, str)
    response["history"] *= 2

    assert (one["error"], one["usage"].input) == ("FAILED: Ouch.", 9)
    assert of_remote(event, str, str)["usage"] is None


@pytest.mark.parametrize("told", [{"promptTokenCount": n} for n in ("x", -5, 1e300, {}, 0)])
@pytest.mark.parametrize("key", ["e1", {"e": 1}, "e" * 1_000_000])
def test_what_a_peer_makes_up_loses_no_record(told, key):
    metadata = {"adk_usage_metadata": told, "adk_event_id": key}
    response = {"metadata": metadata, "artifacts": [{"metadata": metadata}, 5], "history": [5]}
    event = Event(author="Far", custom_metadata={"a2a:context_id": "c", "a2a:response": response})

    fields = of_remote(event, str, str)

    assert (fields["usage"], fields["remote"]) == (None, "c")
    assert len(msgspec.json.encode(Record(hook="event", time=0, run=1, **fields))) < 200


async def test_both_logs_are_linked_by_the_context_which_is_the_servers_session(tmp_path):
    far = LlmAgent(name="Far", description="Far.", model=Scripted(script={"Far": ["a", "b"]}))

    flow, there = await both_sides(tmp_path, far, "Go.", "And?")

    contexts = {one.remote for one in flow.log.records if one.remote}
    assert contexts == {there.log.header.session}


async def test_of_a_remote_that_fails_neither_calls_nor_tokens_are_known(tmp_path):
    model = Scripted(script={"Far": [RuntimeError("out of order")]})
    far = LlmAgent(name="Far", description="Far.", model=model)

    flow, there = await both_sides(tmp_path, far, "Go.")

    (near,), (turn,) = measure(flow.trace), measure(there)
    assert near.failed and turn.failed
    assert near.error == "FAILED: out of order"
    assert (near.llm_calls, near.input_tokens, near.answer) == (None, None, "")


@pytest.mark.parametrize("is_up", [True, False])
async def test_a_called_remote_that_fails_or_is_down_returns_failed(tmp_path, is_up):
    far = LlmAgent(name="Far", model=Scripted(script={"Far": [RuntimeError("out of order")]}))
    async with serving(far, FlowPlugin(directory=tmp_path / "far")) as remote:
        if not is_up:
            remote = RemoteA2aAgent(name="Far", agent_card="http://127.0.0.1:9/agent-card.json")
        model = Scripted(script={"Root": [call("Far", request="?"), "Sorry."]})
        root = LlmAgent(name="Root", model=model, tools=[AgentTool(remote)])

        flow = await record(root, ["Go."], tmp_path / "near")

    (failed,) = [move for move in flow.moves if move.kind == "return"]
    assert (failed.failed, failed.text.partition(":")[0]) == (True, "FAILED" if is_up else "error")
    assert not [move for move in flow.moves if move.kind == "answer"]
    # Where no server was reached, nobody could ask a model.
    assert flow.llm_calls == (None if is_up else 2)


@pytest.mark.parametrize("is_shared", [True, False])
async def test_a_server_in_its_clients_own_process_is_no_part_of_the_clients_call(
    tmp_path, is_shared
):
    """Requests that cross no socket carry the client's context over."""
    plugin = FlowPlugin(directory=tmp_path)
    asks, answers = [call("Far", request="?"), "Yes."], [call("look", what="a"), "There."]
    model, near = Growing(script={"Far": answers}), Growing(script={"Root": asks})
    far = LlmAgent(name="Far", description="Far.", model=model, tools=[look])
    its: Any = plugin if is_shared else FlowPlugin(directory=tmp_path)
    app = App(name="far", root_agent=far, plugins=[its])
    served = to_a2a(far, runner=InMemoryRunner(app=app))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=served))
    async with served.router.lifespan_context(served), client:
        card = "http://localhost:8000/.well-known/agent-card.json"
        remote = RemoteA2aAgent(name="Far", agent_card=card, httpx_client=client)
        root = LlmAgent(name="Root", model=near, tools=[AgentTool(remote)])
        runner = InMemoryRunner(app=App(name="app", root_agent=root, plugins=[plugin]))
        await runner.run_debug("Go.", quiet=True)

    paths = sorted(tmp_path.rglob("*.jsonl"))
    here, both = Flow(read_trace(paths[0])), Flow(read_trace(*paths))
    assert (len(paths), here.total.seen_llm_calls, both.llm_calls) == (2, 2, 4)
    assert both.input_tokens == here.input_tokens == sum(near.reported) + sum(model.reported)


SECRET = "the code of the safe is 4711, as my aunt once said"
RULES = """
isolated: [[Aide, Far]]
no_findings: [leak]
"""


def hands_over(remote, model):
    """A lead whose aide says something before a remote peer of the aide's goes on."""
    model.script.update({"Root": [transfer("Aide")], "Aide": [SECRET, transfer("Far")]})
    aide = LlmAgent(name="Aide", model=model, sub_agents=[remote])
    return LlmAgent(name="Root", model=model, sub_agents=[aide])


def calls(remote, model):
    """An aide that quotes itself to a remote agent that it calls and waits for."""
    model.script.update({"Aide": ["Yes?", call("Far", request=SECRET), "Done."]})
    return LlmAgent(name="Aide", model=model, tools=[AgentTool(remote)])


@pytest.mark.parametrize("wire", [hands_over, calls])
async def test_what_a_remote_was_sent_of_anothers_words_is_an_exposure(tmp_path, wire):
    plugin = FlowPlugin(directory=tmp_path / "far")
    far = LlmAgent(name="Far", description="Far.", model=Scripted(script={"Far": ["Fine."]}))
    async with serving(far, plugin) as remote:
        root = wire(remote, Scripted())
        here = await record(root, ["Go.", "And?"], tmp_path / "near")

    flow = Flow(here.trace, {"code": Canary(text="4711", only=["Aide"])})
    (there,) = read_trace(plugin.paths[0]).turns
    assert any(SECRET in text for text in read_trace(plugin.paths[0]).log.texts.values())
    assert there.question
    kind = "request" if wire is calls else "words"
    assert [
        passage for passage in flow.shared("Aide", "Far") if f"Far was shown {kind} of" in passage
    ]
    assert ("Far", "code") in {(one.agent, one.source) for one in flow.visibility.leaks}
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    broken = {one.rule for one in check_rules(flow, read_rules(file)) if one.reason}
    assert broken == {"isolated[0]", "no_findings"}


async def test_what_a_remote_was_sent_is_masked_and_kept_as_any_text(tmp_path):
    key = "sk-" + "a1B2" * 12
    for capture in ("full", "none"):
        plugin = FlowPlugin(directory=tmp_path / f"far {capture}", capture=capture)
        far = LlmAgent(name="Far", description="Far.", model=Scripted(script={"Far": ["Fine."]}))
        async with serving(far, plugin) as remote:
            model = Scripted(script={"Root": [call("Far", request=f"Use {key}!"), "Done."]})
            root = LlmAgent(name="Root", model=model, tools=[AgentTool(remote)])
            flow = await record(root, ["Go."], tmp_path / capture, capture=capture)
        (sent,) = [one for one in flow.log.records if one.hook == "event" and one.request]
        (text,) = [flow.log.texts[part.text] for part in sent.request.parts]
        assert key not in str(flow.log.texts)
        assert ("Use " in text) == (capture == "full")
