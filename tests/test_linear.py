"""Twice as long a log takes twice the work, and no more memory where it is read turn by turn.

A turn late in a session takes the recorder no more steps than an early one.
"""

import asyncio
import gc
import sys
import tracemalloc
from cProfile import Profile
from pathlib import Path

import pytest
from google.adk.tools.agent_tool import AgentTool
from google.genai.types import Content, Part

from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace import Turn
from adk_flow.analysis.trace_reader import read_trace, read_turns
from adk_flow.check.diff import diff_flows
from adk_flow.log import reader
from adk_flow.log.reader import LogFile
from adk_flow.models.planned.from_log import plan_of
from adk_flow.models.request.turns import latest_message, latest_steps
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.plugin import FlowPlugin
from adk_flow.render.flow_text import print_flow
from adk_flow.render.terminal import plain_console
from benchmarks.measure import lines_of
from benchmarks.recorder import Conversation, Instant, Peer
from tests.doubles.flow import agent, record


@pytest.fixture(scope="module")
async def logs(tmp_path_factory):
    """Gives a log of 120 turns, and one of 480."""
    script = {"Root": [call("Loans", request="How dear?"), "5%.", transfer("Savings")]}
    model = Scripted(script={**script, "Loans": ["5"], "Savings": ["Save.", "More."]})
    tools = [AgentTool(agent("Loans", model))]
    desk = agent("Root", model, tools=tools, sub_agents=[agent("Savings", model)])
    folder = tmp_path_factory.mktemp("logs")
    flow = await record(desk, ["Cost?", "And savings?", "More?"], folder)
    paths = folder / "short.jsonl", folder / "long.jsonl"
    for path, laps in zip(paths, (40, 160), strict=True):
        lines = lines_of(Path(flow.log.path), laps * len(flow.log.records))
        path.write_bytes(b"\n".join(lines) + b"\n")
    return paths


def show(path):
    with open("/dev/null", "w") as nobody:  # noqa: PTH123 - a device
        print_flow(LogFile(path), plain_console(nobody))


def part(path):
    trace = read_trace(path)
    assert sum(len(trace.records_of(turn)) for turn in trace.turns) == len(trace.log.records)


def diff(path):
    assert not diff_flows(read_trace(path), read_trace(path)).turns


def measure(path):
    assert sum(1 for turn in read_turns(LogFile(path).records) if measure_turn(turn).complete) > 100


def plan(path):
    assert len(plan_of(read_trace(path)).conversation.turns) > 100


def calls_of(function, path):
    """Counts the calls of functions, each time that a generator goes on too."""
    profile = Profile()
    profile.runcall(function, path)
    return sum(entry.callcount for entry in profile.getstats())


def peak_of(function, path):
    """Gives the bytes held at once; what is garbage goes soon, whatever tests before have set."""
    threshold = gc.get_threshold()
    gc.collect()
    gc.set_threshold(500)
    tracemalloc.start()
    try:
        function(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*threshold)


@pytest.mark.parametrize("function", [show, part, diff, measure, plan])
def test_a_log_four_times_as_long_takes_four_times_the_work(function, logs):
    function(logs[0])  # caches fill
    short, long = (calls_of(function, path) for path in logs)

    assert long < 4.4 * short


@pytest.mark.parametrize("function", [show, measure])
def test_what_is_read_turn_by_turn_needs_no_more_memory_for_more_turns(function, logs, monkeypatch):
    monkeypatch.setattr(reader, "_MOST_TEXTS", 100)
    function(logs[0])
    short, long = (peak_of(function, path) for path in logs)

    assert long < 2 * short  # of a log four times as long


def read_for_plan(turns):
    """Counts the calls by which a plan's model reads the last of so many turns."""
    texts = [("user", "Cost?"), ("model", "5%."), ("user", "And savings?")] * turns
    contents = [Content(role=role, parts=[Part(text=text)]) for role, text in texts]
    return calls_of(lambda sent: (latest_message(sent), latest_steps(sent)), contents)


def test_the_model_of_a_plan_reads_turn_600_with_no_more_work_than_turn_10():
    assert 0 < read_for_plan(600) == read_for_plan(10)


async def steps_of(turn, folder):
    """Counts the bytecodes of adk-flow in a turn of a session, without the scan of its history."""
    plugin, steps = FlowPlugin(directory=folder), 0
    conversation = Conversation(Peer("", lambda: [plugin]), agent("Root", Instant()))
    await conversation.begin_before(turn)

    def count(frame, event, argument):
        nonlocal steps
        steps += event == "opcode"
        if "adk_flow" in frame.f_code.co_filename and "hash_parts" not in frame.f_code.co_qualname:
            frame.f_trace_opcodes = True
        return count if frame.f_trace_opcodes else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        await conversation.take_turn()
    finally:
        sys.settrace(before)
    assert not plugin.faults
    return steps


def test_turn_600_takes_the_recorder_no_more_steps_than_turn_10(tmp_path):
    early, late = [asyncio.run(steps_of(turn, tmp_path / str(turn))) for turn in (10, 600)]

    assert 1000 < late < 1.05 * early


def test_turns_that_were_read_go_without_a_search_for_garbage(logs):
    gc.collect()
    gc.disable()
    try:
        before = turns_held()
        count = sum(1 for _ in read_turns(LogFile(logs[0]).records))
        held = turns_held() - before
    finally:
        gc.enable()

    assert held < 5 < count


def turns_held():
    return sum(isinstance(held, Turn) for held in gc.get_objects())
