"""A log is read once: turns with their calls, whatever order the records of several turns have."""

import pytest
from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.analysis.metrics import measure, measure_turn
from adk_flow.analysis.trace_reader import TraceReader, read_turns
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.export.tables import tables_of
from adk_flow.log.schema import FunctionCall, Record
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, expected, record


def look(q: str) -> dict:
    """Looks something up."""
    return {"result": q}


class InTwo(Scripted):
    """Streams words, and then, in a further whole response, the function call."""

    async def generate_content_async(self, llm_request, stream=False):
        if any(part.function_response for part in llm_request.contents[-1].parts or []):
            yield _response(types.Part(text="It is x."), 130, 3)
            return
        yield _response(types.Part(text="Let me "), 100, 4, partial=True)
        yield _response(types.Part(text="Let me look."), 100, 9)
        yield _response(types.Part.from_function_call(name="look", args={"q": "x"}), 100, 9)


def _response(part, sent, generated, **options):
    usage = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent,
        candidates_token_count=generated,
        total_token_count=sent + generated,
    )
    content = types.Content(role="model", parts=[part])
    return LlmResponse(content=content, usage_metadata=usage, **options)


STREAMING = RunConfig(streaming_mode=StreamingMode.SSE)


async def test_one_call_with_several_whole_responses_counts_its_tokens_once(tmp_path):
    root = agent("Root", InTwo(), tools=[look])
    flow = await record(root, ["?"], tmp_path, run_config=STREAMING)

    tables = tables_of(flow.log)
    (turn,) = tables["turns"]
    models = [row for row in tables["calls"] if row.kind == "model"]
    assert (turn.llm_calls, turn.input_tokens, turn.output_tokens) == (2, 230, 12)
    assert (turn.reported_llm_calls, turn.reported_input_tokens) == (2, 230)
    assert [(row.input_tokens, row.output_tokens) for row in models] == [(100, 9), (130, 3)]
    first = flow.trace.turns[0].model_calls[0]
    assert [response.text for response in first.responses] == ["Let me look.", ""]
    assert [asked.name for asked in first.calls] == ["look"]


class BreakingOff(Scripted):
    """Streams some words, and fails."""

    async def generate_content_async(self, llm_request, stream=False):
        yield _response(types.Part(text="Let me "), 100, 4, partial=True)
        raise ConnectionError("reset by peer")


async def test_what_a_stream_reported_before_it_broke_off_counts(tmp_path):
    flow = await record(agent("Root", BreakingOff()), ["?"], tmp_path, run_config=STREAMING)

    (row,) = tables_of(flow.log)["calls"]
    assert (row.input_tokens, row.output_tokens) == (100, 4)
    assert "reset by peer" in row.error


def same_id(name, **arguments):
    """Decides on a call with the id that some adapters give every call."""
    return types.FunctionCall(id="call_1", name=name, args=arguments)


async def test_an_id_that_two_turns_use_names_two_calls(tmp_path):
    decisions = [same_id("Beta", request="a"), "b", same_id("look", q="c"), "d"]
    model = Scripted(script={"Root": decisions, "Beta": ["beta"]})
    root = agent("Root", model, tools=[AgentTool(agent("Beta", model)), look])

    flow = await record(root, ["first", "second"], tmp_path, model=model)

    first, second = measure(flow.trace)
    assert (first.agent_calls, first.tool_calls) == (1, 0)
    assert (second.agent_calls, second.tool_calls) == (0, 1)
    assert draw_snapshot(flow.trace.turns[1].moves) == expected("""
        start user to Root
        user say Root "second"
        Root reply user "d"
        end Root to user
    """)


async def test_an_id_that_is_used_twice_at_once_names_two_calls(tmp_path):
    both = [same_id("look", q="a"), same_id("look", q="b")]
    model = Scripted(script={"Root": [both, "done"]})

    flow = await record(agent("Root", model, tools=[look]), ["?"], tmp_path, model=model)

    (turn,) = flow.trace.turns
    assert [call.text for call in turn.tool_runs] == ['{"q":"a"}', '{"q":"b"}']
    assert all(call.ended > call.record for call in turn.tool_runs)


class Mending(BasePlugin):
    """Makes a result of a tool's error, as `ReflectAndRetryToolPlugin` does."""

    async def on_tool_error_callback(self, **_):
        return {"mended": True}


async def test_an_error_that_a_plugin_makes_a_result_is_one_failed_return(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    script = {"Root": [both, "ab"], "Loans": [RuntimeError("429")], "Funds": ["B"]}
    tools = [AgentTool(agent(name, Scripted(script=script))) for name in ("Loans", "Funds")]
    root = agent("Root", Scripted(script=script), tools=tools)

    flow = await record(root, ["?"], tmp_path, plugins=[Mending("mending")])

    (turn,) = flow.trace.turns
    returns = [(move.source, move.failed) for move in turn.moves if move.kind == "return"]
    assert sorted(returns) == [("Funds", False), ("Loans", True)]
    assert [move.kind for move in turn.moves].count("join") == 1
    assert draw_snapshot(turn.moves[-3:]) == expected("""
        Root >-
        Root reply user "ab"
        end Root to user
    """)
    rows = {row.name: row for row in tables_of(flow.log)["calls"] if row.kind == "tool"}
    assert ("429" in rows["Loans"].error, rows["Funds"].error) == (True, "")


async def test_turns_are_told_each_by_its_run_where_their_records_are_mixed(tmp_path):
    """A client that breaks off at the final response lets ADK end a turn within the next."""
    flow = await record(agent("Root", Scripted(script={"Root": ["a", "b"]})), ["1", "2"], tmp_path)
    records = list(flow.log.records)
    end = next(place for place, one in enumerate(records) if one.hook == "after_agent")
    ended = [records.pop(end), records.pop(end)]
    records[end + 2 : end + 2] = ended

    turns = list(read_turns(records))

    assert [(turn.question, turn.complete) for turn in turns] == [("1", True), ("2", True)]
    assert [turn.finals[-1].text for turn in turns] == ["a", "b"]
    whole = [[move.kind for move in turn.moves] for turn in flow.trace.turns]
    assert [[move.kind for move in turn.moves] for turn in turns] == whole


async def test_turns_given_as_they_end_are_those_of_the_whole_log(tmp_path):
    script = {"Root": [transfer("Loans")], "Loans": ["1", call("Tax", request="?"), "2", "3", "4"]}
    tax = AgentTool(agent("Tax", Scripted(script={"Tax": ["0"]})))
    model = Scripted(script=script)
    root = agent("Root", model, sub_agents=[agent("Loans", model, tools=[tax])])

    flow = await record(root, ["a", "b", "c", "d"], tmp_path, model=model)

    turns = list(read_turns(flow.log.records))
    assert [turn.number for turn in turns] == [1, 2, 3, 4]
    assert [turn.moves for turn in turns] == [turn.moves for turn in flow.trace.turns]
    assert [measure_turn(turn) for turn in turns] == measure(flow.trace)


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "never ended"])
def test_however_long_a_log_is_few_turns_are_held(ends):
    reader, most, given = TraceReader(), 0, 0
    for number in range(1, 501):
        for one in a_turn(number, ends=ends):
            reader.read(one)
        given += len(list(reader.release()))
        most = max(most, len(reader.turns))

    assert most <= 64
    assert given + len(reader.turns) == 500
    held = [reader.activations, reader._runs, reader._calls._latest, reader._calls._open]
    assert max(map(len, held)) <= 64


def a_turn(number, *, ends):
    place = {"time": number, "run": number, "agent": "Root"}
    inside = {**place, "activation": number}
    called = {**inside, "tool": "look", "kind": "function", "call": f"id {number}"}
    asked = FunctionCall("look", id=f"id {number}")
    records = [
        Record(hook="user_message", **place),
        Record(hook="before_agent", cause="user", **inside),
        Record(hook="event", calls=(asked,), **inside),
        Record(hook="before_tool", **called),
        Record(hook="after_tool", **called),
        Record(hook="event", text="a", size=1, final=True, **inside),
    ]
    return [*records, Record(hook="after_run", **place)] if ends else records
