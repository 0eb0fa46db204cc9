"""Logs of both sides of A2A, told as one: the oracle is what each side's log tells by itself."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from opentelemetry import trace

from adk_flow import FlowPlugin, read_trace
from adk_flow.analysis.metrics import measure, summed
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.flow import Flow
from adk_flow.log.reader import LogError, read_log
from adk_flow.log.story import join_logs
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.watch.sessions import WatchedFolder
from tests.doubles.command import run_command
from tests.doubles.flow import expected, record

pytest.importorskip("a2a", reason="needs a2a-sdk")

from google.adk.a2a.agent.config import A2aRemoteAgentConfig

from tests.record.test_a2a import look, serving


def far_agent(name, folder, model):
    """An agent with a tool, that hands over to a helper which is called as the client's root is."""
    helper = LlmAgent(name="Root", description="Helps.", model=model)
    agent = LlmAgent(name=name, description="Far.", model=model, tools=[look], sub_agents=[helper])
    return agent, FlowPlugin(directory=folder / name)


def as_sub_agents(one, two, model):
    model.script["Root"] = [transfer("One"), transfer("Two")]
    return LlmAgent(name="Root", model=model, sub_agents=[one, two])


def as_tools(one, two, model):
    both = [call("One", request="a?"), call("Two", request="b?")]
    model.script["Root"] = [both, "Both.", both, "Both."]
    return LlmAgent(name="Root", model=model, tools=[AgentTool(one), AgentTool(two)])


async def conversation(folder, wire, script):
    """Two turns with a root that asks two servers; gives the client's flow and all three logs."""
    model = Scripted(script=script, tokens=(300, 20))
    async with AsyncExitStack() as stack:
        far = [far_agent(name, folder, model) for name in ("One", "Two")]
        stubs = [await stack.enter_async_context(serving(*pair)) for pair in far]
        root = wire(*stubs, Scripted(tokens=(100, 10)))
        near = await record(root, ["Go.", "And?"], folder / "near")
    return near, [path for _, plugin in far for path in plugin.paths]


def story(near, paths):
    return Flow(read_trace(near.log.path, *paths))


WITH_TOOLS = {
    "One": [call("look", what="a"), "one", "one"],
    "Two": [[call("look", what="b"), call("look", what="c")], transfer("Root"), "two", "two"],
    "Root": ["helped", "helped"],
}


@pytest.mark.parametrize("wire", [as_sub_agents, as_tools])
async def test_calls_tokens_and_tools_of_all_sides_are_counted_once(tmp_path, wire):
    near, paths = await conversation(tmp_path, wire, WITH_TOOLS)

    joined = story(near, paths)

    sides = [summed(measure(read_trace(path))) for path in paths]
    here = summed(measure(near.trace))
    assert here.llm_calls is None and joined.total.remote_agents == []
    assert joined.llm_calls == here.seen_llm_calls + sum(side.llm_calls or 0 for side in sides)
    assert joined.tool_calls == sum(side.tool_calls or 0 for side in sides) == 3
    seen = sum(call.usage.input for turn in near.trace.turns for call in turn.asked_models)
    assert joined.input_tokens == seen + sum(side.input_tokens or 0 for side in sides)
    assert joined.reported_llm_calls == here.reported_llm_calls
    assert [turn.question for turn in joined.figures] == ["Go.", "And?"]
    assert [turn.read for turn in joined.figures] == [turn.read for turn in near.figures]
    assert joined.faults == []


async def test_a_watched_folder_shows_all_sides_as_one_session_as_long_as_they_are_there(tmp_path):
    near, paths = await conversation(tmp_path, as_tools, WITH_TOOLS)
    folder = WatchedFolder(tmp_path)
    while list(folder.look()):
        continue

    (session,) = (s for s in folder.sessions.values() if s.id not in folder.of_others)
    assert session.trace.moves == story(near, paths).trace.moves
    assert len(folder.of_others) == len(paths)
    for path in paths:
        path.unlink()
    list(folder.look())
    (session,) = folder.sessions.values()
    assert session.trace.moves == near.trace.moves


class Dying(BaseLlm):
    """A model in the middle of whose call the server's connections are cut."""

    model: str = "dying"
    cut: Any = None

    async def generate_content_async(self, llm_request, stream=False):
        usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=70)
        yield LlmResponse(content=types.ModelContent("so"), usage_metadata=usage)
        self.cut()
        await asyncio.sleep(0)


async def test_a_server_that_dies_in_the_middle_is_a_failure_and_its_calls_count(tmp_path):
    model = Dying()
    far, plugin = far_agent("Far", tmp_path, model)
    async with serving(far, plugin) as remote:
        transport: Any = remote._httpx_client._transport

        def cut():
            for connection in transport._pool.connections:
                connection._connection._network_stream.get_extra_info("socket").shutdown(2)

        model.cut = cut
        near_model = Scripted(script={"Root": [transfer("Far")]})
        root = LlmAgent(name="Root", model=near_model, sub_agents=[remote])
        near = await record(root, ["Go."], tmp_path / "near")

    joined = story(near, plugin.paths)

    (turn,) = near.figures
    assert (turn.failed, turn.llm_calls, turn.answer) == (True, None, "")
    assert "A2A request failed" in turn.error
    assert near.control[-1].startswith("end Far to user FAILED")
    assert (joined.llm_calls, joined.total.failed) == (2, True)


@pytest.mark.parametrize(
    ("unrecorded", "forwards"), [(None, False), (None, True), (1, False), (2, False)]
)
async def test_a_server_that_asks_another_is_told_with_it_or_as_unknown(
    tmp_path, unrecorded, forwards
):
    """What the second server's agent calls is heard on both sides of the first.

    All sides may have one session, which each forwards.
    """
    config = A2aRemoteAgentConfig(forward_session_id_as_context_id=forwards)
    model = Scripted(script={"B": [call("look", what="a"), "there", "again"]}, tokens=(300, 20))
    model.script |= {"A": [transfer("B")] * 2, "Root": [transfer("A")] * 2}
    plugins = [FlowPlugin(directory=tmp_path / name) for name in "AB"]
    b = LlmAgent(name="B", description="Far.", model=model, tools=[look])
    async with serving(b, plugins[1], config=config) as to_b:
        a = LlmAgent(name="A", description="Between.", model=model, sub_agents=[to_b])
        async with serving(a, plugins[0], config=config) as to_a:
            root = LlmAgent(name="Root", model=model, sub_agents=[to_a])
            near = await record(root, ["Go.", "And?"], tmp_path / "near")
    logs = [plugin.paths[0] for at, plugin in enumerate(plugins, 1) if at != unrecorded]

    if unrecorded == 1:
        with pytest.raises(LogError, match="neither side asked the other"):
            story(near, logs)
        return
    joined = story(near, reversed(logs))
    calls = {name: agent.llm_calls for name, agent in joined.total.agents.items()}
    assert calls == {"Root": 2, "A": 2, "B": None if unrecorded else 3}
    assert [turn.control.count("A => B") for turn in joined.turns] == [1, 1]


async def test_a_run_is_found_by_its_trace_where_nothing_else_tells(tmp_path):
    far, plugin = far_agent("Far", tmp_path, Scripted(script={"Far": ["a"]}))
    span = trace.SpanContext(77 << 64, 5, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(span)):
        async with serving(far, plugin, instrument=True) as remote:
            model = Scripted(script={"Root": [transfer("Far")]})
            root = LlmAgent(name="Root", model=model, sub_agents=[remote])
            near = await record(root, ["Go."], tmp_path / "near", capture="none")
    replaced = msgspec.structs.replace
    deaf = near.log._replace(records=[replaced(one, remote="") for one in near.log.records])
    there = read_log(plugin.paths[0])
    other = there._replace(records=[replaced(one, trace="") for one in there.records])

    assert Flow(trace_log(join_logs([deaf, there]))).llm_calls == 2
    with pytest.raises(LogError):
        join_logs([deaf, other])


PICTURES = {
    as_sub_agents: """
        start user to Root
        Root => Two
        Two => Root of Two
        end Two to user
        """,
    as_tools: """
        start user to Root
        Root -< One, Two
        Root -> One (agent_tool)
        Root -> Two (agent_tool)
        Two => Root of Two
        Root <- One
        Root <- Root of Two
        Root >-
        end Root to user
        """,
}


@pytest.mark.parametrize("wire", [as_sub_agents, as_tools])
async def test_the_picture_goes_on_where_the_server_is_reached(tmp_path, wire):
    near, paths = await conversation(tmp_path, wire, WITH_TOOLS)

    turn = story(near, paths).turns[wire is as_sub_agents]

    drawn, lines = expected(PICTURES[wire]).splitlines(), list(map(str.strip, turn.control))
    if wire is as_tools:  # of what runs at once, either may come first
        drawn, lines = sorted(drawn), sorted(lines)
    assert lines == drawn


async def test_a_server_whose_agent_and_clock_are_others_is_placed_in_its_turn(tmp_path):
    far, plugin = far_agent("Far", tmp_path, Scripted(script={"Far": ["a", "b"]}))
    async with serving(far, plugin) as remote:
        remote.name = "Desk"
        model = Scripted(script={"Root": [transfer("Desk")] * 2})
        root = LlmAgent(name="Root", model=model, sub_agents=[remote])
        near = await record(root, ["Go.", "And?"], tmp_path / "near")
    there = read_log(plugin.paths[0])
    day = 86_400_000_000
    late = [msgspec.structs.replace(one, time=one.time + day) for one in there.records]

    there = there._replace(records=late)
    joined = Flow(trace_log(join_logs([near.log, there])))

    for turn, before in zip(joined.turns, near.figures, strict=True):
        assert turn.control == expected(
            """
            start user to Root
              Root => Desk
              Desk -> Far (node)
              Desk <- Far
            end Desk to user
            """
        )
        assert (turn.llm_calls, turn.figures[0].wall_seconds) == (2, before.wall_seconds)


async def test_logs_that_do_not_belong_together_are_refused_in_one_line(tmp_path):
    near, paths = await conversation(tmp_path, as_sub_agents, WITH_TOOLS)
    other, _ = await conversation(tmp_path / "other", as_sub_agents, WITH_TOOLS)

    with pytest.raises(LogError, match="neither side asked the other") as caught:
        story(near, [*paths, other.log.path])
    assert str(caught.value).startswith(other.log.path)
    finished = run_command("show", near.log.path, other.log.path, folder=tmp_path)
    assert (finished.returncode, len(finished.stderr.splitlines())) == (2, 1)
    finished = run_command("show", paths[0], near.log.path, paths[1].parents[1], folder=tmp_path)
    assert finished.returncode == 0
    assert "7 LLM calls" not in finished.stdout and "unknown calls" not in finished.stdout
