"""Calls that waited for others without need."""

import asyncio

import msgspec
import pytest

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.log.reader import Log
from adk_flow.models.scripted import Scripted, call
from tests.doubles.findings import desk, hooks
from tests.doubles.flow import agent, record
from tests.doubles.teams import rate


def at_pace(log: Log, microseconds: int) -> Log:
    """Sets the clock: the same time between any two records."""
    paced = [
        msgspec.structs.replace(one, time=log.records[0].time + number * microseconds)
        for number, one in enumerate(log.records)
    ]
    return log._replace(records=paced)


def series(log):
    return [one for one in detect_findings(trace_log(log)) if one.kind == "needless_series"]


def fees(years: int) -> str:
    """Looks fees up."""
    return f"1% for {years} years"


async def test_sync_tools_of_one_model_turn_run_in_series(tmp_path):
    both = [call("rate", years=5), call("fees", years=5)]
    root = agent("Root", Scripted(script={"Root": [both, "6%."]}), tools=[rate, fees])

    flow = await record(root, ["?"], tmp_path)

    (one,) = series(at_pace(flow.log, 100_000))
    assert one.text == (
        "1 of 2 calls that Root made in one model turn, rate and fees, began only after another "
        "had ended, which took 0.20 s longer than side by side."
    )
    assert hooks(flow, one) == [
        "event:Root",
        *["before_tool:Root", "after_tool:Root"] * 2,
    ]


async def test_quick_tools_and_tools_side_by_side_are_not_worth_a_finding(tmp_path):
    async def slow(years: int) -> str:
        """Waits for the others."""
        await asyncio.sleep(0)
        return "1%"

    both = [call("rate", years=5), call("fees", years=5)]
    quick = agent("Root", Scripted(script={"Root": [both, "6%."]}), tools=[rate, fees])
    at_once = [call("slow", years=1), call("slow", years=2)]
    beside = agent("Root", Scripted(script={"Root": [at_once, "6%."]}), tools=[slow])

    in_no_time = await record(quick, ["?"], tmp_path / "quick")
    overlapping = await record(beside, ["?"], tmp_path / "beside")

    assert series(at_pace(in_no_time.log, 50)) == []
    assert series(at_pace(overlapping.log, 100_000)) == []


def asking(first: str, second: str, **options):
    """Asks Loans and then Funds; the question is about a flat and a pension."""
    script = {
        "Root": [call("Loans", request=first), call("Funds", request=second), "£1,043 and £310."],
        "Loans": ["The monthly repayment comes to £1,043.29."],
        "Funds": ["Relief amounts to £310."],
    }
    return desk(script, as_tools=True, **options)


QUESTION = "What would a loan of £180,000 cost, and what relief is there on £1,240 of pension?"


async def test_an_agent_asked_late_without_need_is_a_needless_series(tmp_path):
    root = asking("Repayment of a £180,000 loan?", "Which relief on £1,240 of pension?")

    flow = await record(root, [QUESTION], tmp_path)

    (one,) = series(at_pace(flow.log, 100_000))
    assert one.text == (
        "Root asked Funds only after Loans had answered, though the request holds no number and no "
        "distinctive word learnt from that: side by side, a model call and 0.90 s would have been "
        "saved."
    )
    assert one.agents == ("Root", "Loans", "Funds")
    assert hooks(flow, one) == ["event:Root", "after_tool:Root", "before_model:Root", "event:Root"]


@pytest.mark.parametrize(
    "second", ["Is £1,043 a month affordable?", "Is that repayment monthly?", "?"]
)
async def test_an_agent_asked_on_what_another_said_had_to_wait(second, tmp_path):
    root = asking("What would £180,000 cost?", second)

    assert series((await record(root, [QUESTION], tmp_path)).log) == []


async def test_tasks_are_in_series_because_adk_runs_them_one_by_one(tmp_path):
    done = [call("finish_task", result="The monthly repayment comes to £1,043.29.")]
    asked = [call("Loans", request="A flat?"), call("Funds", request="Pension relief?")]
    one_by_one = desk({"Root": [*asked, "So."], "Loans": done, "Funds": done}, mode="task")
    at_once = desk({"Root": [asked, "So."], "Loans": done, "Funds": done}, mode="task")

    for number, root in enumerate([one_by_one, at_once]):
        flow = await record(root, [QUESTION], tmp_path / str(number))
        assert series(at_pace(flow.log, 100_000)) == []
        tasks = [one for one in flow.moves if one.cause == "task" and one.is_control]
        assert [one.kind for one in tasks] == ["call", "return"] * 2


@pytest.mark.parametrize("texts", ["none", "preview"])
async def test_without_words_nobody_is_accused_of_asking_late(texts, tmp_path):
    root = asking("x" * 300, "y" * 300)

    assert series((await record(root, [QUESTION], tmp_path, capture=texts)).log) == []
