"""The recorder: what it logs, and that it never disturbs the app it records."""

import asyncio
import json
import logging
from collections import Counter
from typing import Any

import pytest
from google.adk.agents import BaseAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import _llm_agent_wrapper
from google.genai import types
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import read_trace, trace_log
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.export.attributes import CAPTURE
from adk_flow.export.live import MovesOnSpans
from adk_flow.log.reader import read_log
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record import extract
from adk_flow.record.plugin import FlowPlugin
from adk_flow.wiring import wire
from tests.doubles.flow import agent, record
from tests.doubles.models import Hanging


def tutors():
    """The flows of a study helper, as recorded from a real model: transfer, peer, two tools."""
    model = Scripted(
        script={
            "Coordinator": [transfer("Science")],
            "Science": ["Light feeds plants.", transfer("Maths")],
            "Maths": ["15 square metres."],
        }
    )
    return agent("Coordinator", model, sub_agents=[agent("Maths", model), agent("Science", model)])


def compact(log):
    """Writes hooks as `hook:agent`, events with their calls, responses and transfer."""
    lines = []
    for r in log.records:
        if r.hook == "user_message":
            lines.append("user_message")
        elif r.hook == "event":
            line = f"event:{r.agent}"
            line += f":calls={','.join(c.name for c in r.calls)}" if r.calls else ""
            line += f":responses={len(r.responses)}" if r.responses else ""
            line += f":transfer={r.transfer}" if r.transfer else ""
            lines.append(line)
        elif r.tool:
            lines.append(f"{r.hook}:{r.tool}@{r.agent}")
        else:
            lines.append(f"{r.hook}:{r.agent}")
    return lines


async def test_a_transfer_to_a_peer_logs_every_hook_in_adks_order(tmp_path):
    flow = await record(tutors(), ["Photosynthesis?", "Area of 5 by 3?"], tmp_path)

    assert compact(flow.log) == [
        "user_message",
        "before_run:Coordinator",
        "before_agent:Coordinator",
        "before_model:Coordinator",
        "after_model:Coordinator",
        "event:Coordinator:calls=transfer_to_agent",
        "before_tool:transfer_to_agent@Coordinator",
        "after_tool:transfer_to_agent@Coordinator",
        "event:Coordinator:responses=1:transfer=Science",
        "before_agent:Science",
        "before_model:Science",
        "after_model:Science",
        "event:Science",
        "after_agent:Science",
        "after_run:Coordinator",
        "user_message",
        "before_run:Science",
        "before_agent:Science",
        "before_model:Science",
        "after_model:Science",
        "event:Science:calls=transfer_to_agent",
        "before_tool:transfer_to_agent@Science",
        "after_tool:transfer_to_agent@Science",
        "event:Science:responses=1:transfer=Maths",
        "before_agent:Maths",
        "before_model:Maths",
        "after_model:Maths",
        "event:Maths",
        "after_agent:Maths",
        "after_run:Science",
    ]


async def test_two_agent_tools_at_once_log_every_hook_in_adks_order(tmp_path):
    both = [call("Greeter", request="new call"), call("Checker", request="Jane, 4789")]
    model = Scripted(script={"Centre": [both, "Done."], "Greeter": ["Hi."], "Checker": ["Born?"]})
    tools = [AgentTool(agent("Greeter", model)), AgentTool(agent("Checker", model))]

    flow = await record(agent("Centre", model, tools=tools), ["New call."], tmp_path)

    assert compact(flow.log) == [
        "user_message",
        "before_run:Centre",
        "before_agent:Centre",
        "before_model:Centre",
        "after_model:Centre",
        "event:Centre:calls=Greeter,Checker",
        "before_tool:Greeter@Centre",
        "user_message",
        "before_run:Greeter",
        "before_tool:Checker@Centre",
        "user_message",
        "before_run:Checker",
        "before_agent:Greeter",
        "before_model:Greeter",
        "after_model:Greeter",
        "before_agent:Checker",
        "before_model:Checker",
        "after_model:Checker",
        "event:Greeter",
        "event:Checker",
        "after_agent:Greeter",
        "after_agent:Checker",
        "after_run:Greeter",
        "after_tool:Greeter@Centre",
        "after_run:Checker",
        "after_tool:Checker@Centre",
        "event:Centre:responses=2",
        "before_model:Centre",
        "after_model:Centre",
        "event:Centre",
        "after_agent:Centre",
        "after_run:Centre",
    ]


async def test_each_call_and_frame_knows_who_caused_it(tmp_path):
    both = [call("Loans", request="a"), call("Loans", request="b")]
    model = Scripted(script={"Root": [both, "r"], "Loans": ["1", "2"]})

    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    flow = await record(root, ["?"], tmp_path)

    records = flow.log.records
    calls = {r.call for r in records if r.hook == "before_tool"}
    children = [r for r in records if r.hook == "before_agent" and r.agent == "Loans"]
    assert len(calls) == 2
    assert {r.call for r in children} == calls
    assert {r.parent for r in children} == {1}
    assert len({r.run for r in children}) == 2


async def test_a_request_names_each_distinct_text_once(tmp_path):
    model = Scripted(script={"Root": ["one", "two", "three"]})

    flow = await record(agent("Root", model, instruction="Be brief."), ["a", "b", "c"], tmp_path)

    requests = [r.request for r in flow.log.records if r.request]
    said = [[flow.log.texts[part.text] for part in request.parts] for request in requests]
    assert said == [["a"], ["a", "one", "b"], ["a", "one", "b", "two", "c"]]
    assert len({request.system for request in requests}) == 1
    assert flow.log.texts[requests[0].system].startswith("Be brief.")
    (lines,) = [path.read_text() for path in tmp_path.rglob("*.jsonl")]
    assert [lines.count(f'"{words}"') for words in ("b", "two")] == [1, 2]  # of model and event


async def test_declarations_are_written_once_and_results_tell_what_they_were(tmp_path):
    results = [{"result": "words"}, "words", {"a": 12345678, "b": 1}, None]

    def look(number: int, tool_context: ToolContext) -> Any:
        """Looks a number up."""
        tool_context.state["seen"] = {"number": number, "password": "hunter2"}
        return results[number]

    calls = [call("look", number=number) for number in range(4)]
    model = Scripted(script={"Root": [*calls, "Done."]})

    flow = await record(agent("Root", model, tools=[look]), ["Go."], tmp_path)

    declared = {r.request.declared for r in flow.log.records if r.request}
    (declaration,) = json.loads(flow.log.texts[declared.pop()])
    assert not declared
    assert declaration["name"] == "look"
    assert list(declaration["parameters_json_schema"]["properties"]) == ["number"]
    back = [record for record in flow.log.records if record.hook == "after_tool"]
    assert [(r.form, r.text) for r in back] == [
        ("result", "words"),
        ("text", "words"),
        ("json", '{"a":"[masked]","b":1}'),
        ("none", ""),
    ]
    written = [json.loads(record.values) for record in flow.log.records if record.values]
    assert written == [{"seen": {"number": n, "password": "[masked]"}} for n in range(4)]


async def test_usage_and_state_are_logged(tmp_path):
    model = Scripted(script={"Root": ["r"]}, tokens=(7, 3))

    flow = await record(agent("Root", model, output_key="answer"), ["?"], tmp_path)

    usage = next(r.usage for r in flow.log.records if r.hook == "after_model")
    assert (usage.input, usage.output, usage.total) == (7, 3, 10)
    assert [r.state for r in flow.log.records if r.state] == [("answer",)]


@pytest.mark.parametrize(("texts", "kept"), [("full", 500), ("preview", 201), ("none", 0)])
async def test_what_is_kept_of_texts_is_a_choice(tmp_path, texts, kept):
    model = Scripted(script={"Root": ["r"]})

    flow = await record(agent("Root", model), ["x" * 500], tmp_path, capture=texts)

    asked = next(r for r in flow.log.records if r.hook == "user_message")
    assert len(asked.text) == kept
    assert flow.log.header.texts == texts
    assert [move.kind for move in flow.moves] == ["start", "say", "reply", "end"]
    if texts == "none":
        assert "xxx" not in flow.plugin.paths[0].read_text()


class Remote(BaseAgent):
    """An agent that says what went wrong as ADK's RemoteA2aAgent does: without an error code."""

    async def _run_async_impl(self, ctx):
        yield Event(author=self.name, error_message="No server at example.com.")


@pytest.mark.parametrize(
    ("texts", "told"), [("full", "error: No server at example.com."), ("none", "error")]
)
async def test_an_error_without_a_code_fails_the_turn(tmp_path, texts, told):
    model = Scripted(script={"Root": [transfer("Remote")]})
    root = agent("Root", model, sub_agents=[Remote(name="Remote")])

    flow = await record(root, ["?"], tmp_path, capture=texts)

    assert [one.error for one in flow.log.records if one.error] == [told]
    assert flow.moves[-1].failed
    (figures,) = measure(flow.trace)
    assert (figures.failed, figures.error) == (True, told)


async def test_secrets_are_masked_wherever_they_stand(tmp_path):
    def connect(key: str) -> dict:
        """Connects."""
        return {"header": "Authorization: Bearer abcdef123456789"}

    secret = "sk-abcdefghijklmnop1234"
    model = Scripted(script={"Root": [call("connect", key=secret), f"Use {secret}"]})
    root = agent("Root", model, tools=[connect], instruction=f"The key is {secret}.")

    flow = await record(root, [f"I am ann@example.com, key {secret}, account 12345678"], tmp_path)

    written = flow.plugin.paths[0].read_text()
    for hidden in (secret, "ann@example.com", "12345678", "abcdef123456789"):
        assert hidden not in written
    assert "[masked]" in written


async def test_a_recorder_made_to_fail_changes_nothing_but_the_fault_count(
    tmp_path, monkeypatch, caplog
):
    def answers(flow_events):
        return [event.content.model_dump() for event in flow_events if event.content]

    good = await record(tutors(), ["a", "b"], tmp_path / "good")

    def fail(*args, **kwargs):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("adk_flow.record.extract.of_request", fail)
    plugin = FlowPlugin(directory=tmp_path / "bad")
    runner = Runner(
        app=App(name="app", root_agent=tutors(), plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    events = []
    with caplog.at_level(logging.WARNING, logger="adk_flow"):
        for words in ("a", "b"):
            async for event in runner.run_async(
                user_id="u", session_id="s", new_message=types.UserContent(words)
            ):
                events.append(event)
        await runner.close()

    def without_ids(contents):
        text = json.dumps(contents, default=str)
        return Counter(part for part in text.split('"') if not part.startswith("adk-"))

    assert without_ids(answers(events)) == without_ids(answers(good.events))
    assert plugin.faults == {"before_model": 4}
    assert "on purpose" in caplog.text
    assert "did not record 4 hooks" in caplog.text


async def hold(runner, session, questions):
    await runner.session_service.create_session(app_name="app", user_id="u", session_id=session)
    for words in questions:
        async for _ in runner.run_async(
            user_id="u", session_id=session, new_message=types.UserContent(words)
        ):
            pass


class Mirror(Scripted):
    """Decides by the session's own words, so that any mixing of sessions would show."""

    async def generate_content_async(self, llm_request, stream=False):
        name = llm_request.config.labels["adk_agent_name"]
        words = [p.text for c in llm_request.contents for p in c.parts if p.text]
        answered = any(p.function_response for c in llm_request.contents for p in c.parts)
        await asyncio.sleep(0)
        if name == "Root" and not answered:
            asked = words[-1]
            parts = [
                types.Part(function_call=call("Loans", request=f"{asked} loans")),
                types.Part(function_call=call("Funds", request=f"{asked} funds")),
            ]
        else:
            parts = [types.Part(text=f"{name}: {words[0]}")]

        yield LlmResponse(content=types.Content(role="model", parts=parts))


def mirrored(plugin):
    model = Mirror()
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", model))]
    app = App(name="app", root_agent=agent("Root", model, tools=tools), plugins=[plugin])
    return Runner(app=app, session_service=InMemorySessionService())


def branches(log):
    """What each party said and heard, the order between parallel branches aside."""
    return sorted(draw_snapshot(trace_log(log).moves))


async def test_50_conversations_at_once_never_mix(tmp_path):
    together, alone = FlowPlugin(directory=tmp_path / "all"), FlowPlugin(directory=tmp_path / "one")
    runner, single = mirrored(together), mirrored(alone)

    await asyncio.gather(*(hold(runner, f"s{n}", [f"question {n}"]) for n in range(50)))
    for n in range(50):
        await hold(single, f"s{n}", [f"question {n}"])
    await runner.close()
    await single.close()

    assert not together.faults
    logs = {log.header.session: log for log in map(read_log, together.paths)}
    assert len(logs) == 50
    for log in map(read_log, alone.paths):
        same = logs[log.header.session]
        assert branches(same) == branches(log)
        assert len(same.records) == len(log.records)
        number = log.header.session[1:]
        said = {r.text for r in same.records if r.hook == "user_message"}
        assert said == {f"question {number}{end}" for end in ("", " loans", " funds")}


async def test_a_session_continued_by_another_process_appends_to_its_log(tmp_path):
    for words in ("first", "second"):
        plugin = FlowPlugin(directory=tmp_path)
        await hold(mirrored(plugin), "s", [words])
        await plugin.close()

    (path,) = tmp_path.rglob("*.jsonl")
    log = read_log(path)
    assert [m.text for m in trace_log(log).moves if m.kind == "say"] == ["first", "second"]
    assert {move.turn for move in trace_log(log).moves} == {1, 2}
    last = [r.request for r in log.records if r.request][-1]
    assert log.texts[last.parts[0].text] == "second"


async def test_two_recorders_of_one_session_write_two_logs(tmp_path):
    plugins = [FlowPlugin("one", directory=tmp_path), FlowPlugin("two", directory=tmp_path)]
    root = agent("Root", Scripted(script={"Root": ["r"]}))
    app = App(name="app", root_agent=root, plugins=[*plugins])
    await hold(Runner(app=app, session_service=InMemorySessionService()), "s", ["?"])

    first, second = (read_log(plugin.paths[0]) for plugin in plugins)
    assert len(first.records) == len(second.records) > 0


async def test_a_name_from_outside_never_chooses_the_path(tmp_path):
    plugin = FlowPlugin(directory=tmp_path / "logs")
    for session in ("../../evil", "a/b", "\x00", "x" * 500):
        await hold(mirrored(plugin), session, ["?"])

    assert not plugin.faults
    written = list(tmp_path.rglob("*.jsonl"))
    assert len(written) == 4
    assert all(path.parent == tmp_path / "logs" / "app" for path in written)


async def test_the_plugin_can_be_built_from_a_name_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("ADK_FLOW_DIR", str(tmp_path))
    from adk_flow import FlowPlugin as exported

    plugin = exported(name="adk_flow.FlowPlugin")

    assert plugin.name == "adk_flow.FlowPlugin"
    assert plugin.recorder.directory == tmp_path


async def test_cancelled_turns_leave_few_files_open(tmp_path):
    plugin, model = FlowPlugin(directory=tmp_path), Hanging()
    app = App(name="app", root_agent=agent("Root", model), plugins=[plugin])
    runner = Runner(app=app, session_service=InMemorySessionService())

    for n in range(80):
        task = asyncio.create_task(hold(runner, f"s{n}", ["?"]))
        await model._asked.wait()
        model._asked.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert len(list(tmp_path.rglob("*.jsonl"))) == 80
    assert sum(log.is_open for log in plugin.recorder.runs.sessions._logs.values()) <= 64


@pytest.mark.parametrize("fault", [RuntimeError("no"), SystemExit(1), BrokenPipeError()])
async def test_a_listener_that_fails_changes_neither_run_nor_log(tmp_path, fault):
    def listen(header, record):
        raise fault

    plugin = FlowPlugin(directory=tmp_path, listener=listen)
    app = App(name="app", root_agent=tutors(), plugins=[plugin])
    await hold(Runner(app=app, session_service=InMemorySessionService()), "s", ["Photosynthesis?"])

    kinds = [move.kind for move in read_trace(plugin.paths[0]).moves]
    assert kinds == ["start", "say", "transfer", "reply", "end"]
    assert not plugin.faults
    assert plugin.listener_faults == len(read_log(plugin.paths[0]).records)


async def test_two_recorders_of_one_app_never_mix(tmp_path):
    plugins = [FlowPlugin("one", directory=tmp_path), FlowPlugin("two", directory=tmp_path)]
    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    app = App(name="app", root_agent=root, plugins=[*plugins])
    await hold(Runner(app=app, session_service=InMemorySessionService()), "s", ["?"])

    pictures = [draw_snapshot(read_trace(plugin.paths[0]).moves) for plugin in plugins]
    assert pictures[0] == pictures[1]
    assert pictures[0].count("Root -> Loans (agent_tool)") == 1


class Streaming(Scripted):
    async def generate_content_async(self, llm_request, stream=False):
        pieces = ["key sk-abcdef", "ghijklmnopqrstuv"]
        for piece in pieces:
            arguments = types.Part(function_call=call("look", key=piece))
            yield LlmResponse(content=types.ModelContent(arguments), partial=True)
            yield LlmResponse(content=types.ModelContent(piece), partial=True)
        yield LlmResponse(content=types.ModelContent("".join(pieces)), partial=False)


async def test_a_secret_cut_by_streaming_never_reaches_the_log(tmp_path):
    from google.adk.agents.run_config import RunConfig

    plugin = FlowPlugin(directory=tmp_path)
    app = App(name="app", root_agent=agent("Root", Streaming()), plugins=[plugin])
    runner = Runner(app=app, session_service=InMemorySessionService())
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    async for _ in runner.run_async(
        user_id="u",
        session_id="s",
        new_message=types.UserContent("?"),
        run_config=RunConfig.model_validate({"streaming_mode": "sse"}),
    ):
        pass

    written = plugin.paths[0].read_text()
    assert "abcdef" not in written
    assert "ghijkl" not in written


async def test_a_lone_surrogate_costs_no_record(tmp_path, monkeypatch):
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    name = "caf\udce9"

    def look(x: str) -> dict:
        """Looks."""
        return {name: [x]}

    model = Scripted(script={"Root": [call("look", x=name), name]})
    root = agent("Root", model, tools=[look], instruction=name)
    plugin = FlowPlugin(directory=tmp_path, construct=name, listener=MovesOnSpans())
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("app"):
        await runner.session_service.create_session(
            app_name="app", user_id=name, session_id=name, state={name: [name]}
        )
        async for _ in runner.run_async(
            user_id=name, session_id=name, new_message=types.UserContent(name)
        ):
            pass
    await runner.close()

    assert (plugin.faults.total(), plugin.listener_faults) == (0, 0)
    log = read_log(plugin.paths[0])
    assert (log.header.session, log.header.user, log.header.construct) == ("caf?",) * 3
    texts = {record.hook: record.text for record in log.records}
    assert (texts["user_message"], texts["before_tool"]) == ("caf?", '{"x":"caf?"}')
    assert texts["after_tool"] == '{"caf?":["caf?"]}'
    encoder = pytest.importorskip("opentelemetry.exporter.otlp.proto.common.trace_encoder")
    assert encoder.encode_spans(exporter.get_finished_spans()).ByteSize() > 0


class Rewording(BasePlugin):
    """Changes each text that the user reads, in place or by an event of its own."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__(name="rewording")
        self.in_place = in_place

    async def on_event_callback(self, *, invocation_context, event):
        changed = event if self.in_place else Event(content=event.content.model_copy(deep=True))
        changed.content.parts[0].text = "reworded"
        return None if self.in_place else changed


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("place", ["before", "plugins"])
async def test_an_event_is_recorded_as_plugins_leave_it(in_place, place, tmp_path):
    model = Scripted(script={"Root": ["as the model said"]})

    flow = await record(
        agent("Root", model), ["?"], tmp_path, **{place: [Rewording(in_place=in_place)]}
    )

    (read,) = [event.content.parts[0].text for event in flow.events]
    assert [one.text for one in flow.of("event")] == [read] == ["reworded"]
    assert flow.of("after_model")[0].text == "as the model said"


async def test_a_graph_is_recorded_alike_where_nodes_have_copies_of_the_session_and_no_path(
    tmp_path, monkeypatch
):
    """As under ADK 2.4 to 2.7, and 2.4 to 2.9."""
    prepare = _llm_agent_wrapper.prepare_llm_agent_context

    def copy_session(agent, ctx):
        context = prepare(agent, ctx)
        invocation = context._invocation_context
        invocation.session = invocation.session.model_copy()
        return context

    async def recorded(folder):
        model = Scripted(script={"Loans": ["5%.", "5%."], "Funds": ["6%.", "6%."]})
        root = wire(agent("Lead", model), [agent(n, model) for n in ("Loans", "Funds")], "parallel")
        flow = await record(root, ["Hello?", "Again?"], folder)
        return [(turn.control, turn.conversation) for turn in flow.turns]

    now = await recorded(tmp_path / "now")
    monkeypatch.setattr(_llm_agent_wrapper, "prepare_llm_agent_context", copy_session)
    monkeypatch.setattr(extract, "path_of", lambda context: extract._path_around())

    assert await recorded(tmp_path / "then") == now
    assert len(now) == 2
