"""Where time goes: the critical path of turns whose lengths are worked by hand."""

from typing import Any, NamedTuple

import pytest

from adk_flow.analysis.critical_path import Span, schedule_turn
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import read_turns
from adk_flow.log.schema import Record, Usage

LOG_NAMES = {"why": "cause", "parent": "parent_name"}


class Timing(NamedTuple):
    """Times of a turn in microseconds, and its calls."""

    llm: int
    tools: int
    llm_calls: int | None
    critical_path: int
    critical_spans: list[int]
    spans: list[Span]


def timed(*lines: str, pace: LatencyProfile | None = None, serial: bool = False) -> Timing:
    """Measures the turn whose records are written as `time hook frame key=value …`."""
    (turn,) = read_turns(recorded(*lines))
    schedule = schedule_turn(turn, pace, serial=serial)
    metrics = measure_turn(turn, schedule)
    return Timing(
        metrics.llm_microseconds,
        metrics.tool_microseconds,
        metrics.llm_calls,
        metrics.critical_path_microseconds,
        schedule.critical_spans,
        schedule.spans,
    )


def recorded(*lines: str) -> list[Record]:
    records = []
    for line in lines:
        time, hook, activation, *fields = line.split()
        extra: dict[str, Any] = {
            LOG_NAMES.get(name, name): value for name, value in (f.split("=") for f in fields)
        }
        parent = int(extra.pop("caller", 0))
        if "responses" in extra:
            extra["responses"] = tuple(extra["responses"].split(","))
        if "output" in extra:
            extra["usage"] = Usage(output=int(extra.pop("output")))
        place = {"activation": int(activation), "parent": parent}
        place["run"] = int(extra.pop("run", 1))
        records.append(Record(hook=hook, time=int(time), **place, **extra))
    return records


def test_one_agents_calls_follow_each_other():
    timing = timed(
        "0 before_agent 1 why=user",
        "5 before_model 1",
        "105 after_model 1",
        "110 before_tool 1 call=a kind=function",
        "140 after_tool 1 call=a kind=function",
        "150 before_model 1",
        "250 after_model 1",
    )

    assert (timing.llm, timing.tools, timing.critical_path) == (200, 30, 230)


def test_tools_called_at_once_stand_side_by_side():
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_tool 1 call=a kind=function",
        "100 before_tool 1 call=b kind=function",
        "130 after_tool 1 call=a kind=function",
        "150 after_tool 1 call=b kind=function",
        "150 before_model 1",
        "250 after_model 1",
    )

    assert (timing.tools, timing.critical_path) == (80, 250)


def test_agents_called_at_once_count_by_the_slower_one():
    """Root 100, then Loans 100 + 50 beside Funds 60, then Root 100."""
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_tool 1 call=a kind=agent_tool",
        "100 before_tool 1 call=b kind=agent_tool",
        "101 before_agent 2 why=agent_tool caller=1 call=a",
        "102 before_agent 3 why=agent_tool caller=1 call=b",
        "102 before_model 2",
        "102 before_model 3",
        "162 after_model 3",
        "163 after_tool 1 call=b kind=agent_tool",
        "202 after_model 2",
        "203 before_model 2",
        "253 after_model 2",
        "254 after_tool 1 call=a kind=agent_tool",
        "255 before_model 1",
        "355 after_model 1",
    )

    assert (timing.llm, timing.critical_path) == (410, 350)


def test_calls_one_after_the_other_add_up():
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_tool 1 call=a kind=agent_tool",
        "100 before_agent 2 why=agent_tool caller=1 call=a",
        "100 before_model 2",
        "200 after_model 2",
        "200 after_tool 1 call=a kind=agent_tool",
        "200 before_model 1",
        "300 after_model 1",
        "300 before_tool 1 call=b kind=agent_tool",
        "300 before_agent 3 why=agent_tool caller=1 call=b",
        "300 before_model 3",
        "400 after_model 3",
        "400 after_tool 1 call=b kind=agent_tool",
    )

    assert timing.critical_path == timing.llm == 400


@pytest.mark.parametrize("nested", ["", " call=a"])
def test_a_transfer_goes_on_where_its_source_stopped(nested):
    timing = timed(
        f"0 before_agent 1 why=agent_tool{nested}",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_agent 2 why=transfer caller=1",
        "100 before_model 2",
        "150 after_model 2",
    )

    assert timing.critical_path == 150


def test_a_workflows_node_waits_for_those_that_ended_before_it():
    """Plan 100, then Left 50 beside Right 80, then Merge 20."""
    timing = timed(
        "0 before_agent 1 why=node parent=W",
        "0 before_model 1",
        "100 after_model 1",
        "100 after_agent 1",
        "100 before_agent 2 why=node parent=W",
        "100 before_agent 3 why=node parent=W",
        "100 before_model 2",
        "100 before_model 3",
        "150 after_model 2",
        "150 after_agent 2",
        "180 after_model 3",
        "180 after_agent 3",
        "180 before_agent 4 why=node parent=W",
        "180 before_model 4",
        "200 after_model 4",
        "200 after_agent 4",
    )

    assert (timing.llm, timing.critical_path) == (250, 200)


def test_a_task_is_waited_for_by_the_agent_that_delegates_it():
    """Root 100, then the task's 100 + 40, then Root 100."""
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_agent 2 caller=1 why=task call=a",
        "100 before_model 2",
        "200 after_model 2",
        "200 before_tool 2 call=b kind=function",
        "240 after_tool 2 call=b kind=function",
        "240 event 0 responses=a",
        "240 before_agent 1 why=resume",
        "240 before_model 1",
        "340 after_model 1",
    )

    assert (timing.llm, timing.critical_path) == (300, 340)
    assert [timing.spans[index].kind for index in timing.critical_spans] == [
        "model",
        "model",
        "tool",
        "model",
    ]


def test_a_real_models_pace_takes_the_place_of_measured_time():
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "7 after_model 1 output=10",
        "7 before_tool 1 call=a kind=function",
        "37 after_tool 1 call=a kind=function",
        "37 before_model 1",
        "44 after_model 1 output=0",
        pace=LatencyProfile("test", call_milliseconds=1, token_milliseconds=0.1),
    )

    assert (timing.llm, timing.tools, timing.critical_path) == (3000, 30, 3030)


def test_an_answer_in_the_models_place_is_no_model_call():
    timing = timed("0 before_agent 1 why=user", "0 before_model 1", "5 event 1 text=no")

    assert (timing.llm_calls, [span.kind for span in timing.spans]) == (0, ["replaced"])


def test_calls_that_were_made_to_follow_each_other_add_up():
    """Root 100, Loans 100, Funds 60, a function 30, Root 100; all asked for in one model turn."""
    lines = (
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_tool 1 call=a kind=agent_tool",
        "100 before_tool 1 call=b kind=agent_tool",
        "100 before_tool 1 call=c kind=function",
        "100 before_agent 2 caller=1 why=agent_tool call=a",
        "100 before_model 2",
        "200 after_model 2",
        "200 after_tool 1 call=a kind=agent_tool",
        "200 before_agent 3 caller=1 why=agent_tool call=b",
        "200 before_model 3",
        "260 after_model 3",
        "260 after_tool 1 call=b kind=agent_tool",
        "290 after_tool 1 call=c kind=function",
        "290 before_model 1",
        "390 after_model 1",
    )

    serial, at_once = timed(*lines, serial=True), timed(*lines)

    assert (serial.tools, serial.critical_path) == (30, 390)
    assert [serial.spans[index].agent for index in serial.critical_spans] == [""] * 5
    # The function was asked for at 100, and nothing says that it had to wait.
    assert (at_once.tools, at_once.critical_path) == (190, 390)


def test_a_pipeline_waits_for_its_own_stages_and_a_join_for_all():
    """Stages a (100) and b (300) beside c (250) and d (100), then one that joins them (50)."""
    timing = timed(
        "0 before_agent 1 why=node parent=graph branch=a",
        "0 before_model 1",
        "0 before_agent 2 why=node parent=graph branch=c",
        "0 before_model 2",
        "100 after_model 1",
        "100 after_agent 1",
        "250 after_model 2",
        "250 after_agent 2",
        "250 before_agent 3 why=node parent=graph branch=a",
        "250 before_model 3",
        "250 before_agent 4 why=node parent=graph branch=c",
        "250 before_model 4",
        "350 after_model 4",
        "350 after_agent 4",
        "550 after_model 3",
        "550 after_agent 3",
        "550 before_agent 5 why=node parent=graph",
        "550 before_model 5",
        "600 after_model 5",
    )

    # a and b take 400, c and d 350: that b began late was chance.
    assert (timing.llm, timing.critical_path) == (800, 450)


def test_the_stages_of_a_sequence_that_is_a_tool_are_waited_for_by_its_caller():
    """Root 100, then in the tool's own run First 100 and Second 200, then Root 100."""
    timing = timed(
        "0 before_agent 1 why=user",
        "0 before_model 1",
        "100 after_model 1",
        "100 before_tool 1 call=a kind=agent_tool tool=Team",
        "100 user_message 0 run=2 caller=1 call=a",
        "100 before_agent 2 run=2 why=agent_tool caller=1 call=a",
        "100 before_agent 3 run=2 why=node caller=2 parent=Team",
        "100 before_model 3 run=2",
        "200 after_model 3 run=2",
        "200 after_agent 3 run=2",
        "200 before_agent 4 run=2 why=node caller=2 parent=Team",
        "200 before_model 4 run=2",
        "400 after_model 4 run=2",
        "400 after_agent 4 run=2",
        "400 after_agent 2 run=2",
        "400 after_run 0 run=2 caller=1 call=a",
        "400 after_tool 1 call=a kind=agent_tool tool=Team",
        "400 before_model 1",
        "500 after_model 1",
    )

    assert (timing.llm, timing.critical_path) == (500, 500)
