"""Agents that cannot give a turn back, and turns after which another agent is active."""

import msgspec
from google.adk.agents import SequentialAgent
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.findings import ALONE, BARRED, desk, found, hooks
from tests.doubles.flow import agent, record


async def test_an_agent_that_may_hand_over_to_nobody_is_a_dead_end(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **ALONE)

    flow, (one,) = await found(root, ["?"], tmp_path, "dead_end")

    assert one.text == (
        "Loans took over from Root and was offered nobody to hand over to; the user's next message "
        "goes to Root again."
    )
    assert one.level == "notice"
    assert hooks(flow, one) == ["before_agent:Loans", "before_model:Loans", "after_run:Root"]


async def test_a_dead_end_that_holds_the_next_turn_too_is_serious(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **ALONE)
    flow = await record(root, ["?"], tmp_path)
    last = msgspec.structs.replace(flow.log.records[-1], active_agent="Loans")

    found = detect_findings(trace_log(flow.log._replace(records=[*flow.log.records[:-1], last])))

    (one,) = [one for one in found if one.kind == "dead_end"]
    assert one.level == "serious"
    assert one.text.endswith("it holds the next turn too, so the user is stuck with it.")


async def test_an_agent_that_may_hand_over_or_is_called_is_no_dead_end(tmp_path):
    free = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **BARRED)
    called = Scripted(
        script={
            "Root": [call("Desk", request="x"), "It is 5%."],
            "Desk": [transfer("Clerk")],
            "Clerk": ["5%."],
        }
    )
    below = agent("Desk", called, sub_agents=[agent("Clerk", called, **ALONE)])

    _, none = await found(free, ["?"], tmp_path / "free", "dead_end")
    _, neither = await found(
        agent("Root", called, tools=[AgentTool(below)]), ["?"], tmp_path / "called", "dead_end"
    )

    assert none == neither == []


async def test_a_specialist_that_may_not_return_answers_but_loses_the_next_turn(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **BARRED)

    flow, (one,) = await found(root, ["?"], tmp_path, "unexpected_holder")

    assert one.text == (
        "Loans answered the user, but the next message goes to Root, to whom Loans may not hand "
        "over."
    )
    assert one.agents == ("Loans", "Root")
    assert hooks(flow, one) == ["before_model:Loans", "event:Loans", "after_run:Root"]


async def test_staged_agents_and_waiting_tasks_are_as_expected(tmp_path):
    stages = Scripted(script={"First": ["a"], "Second": ["b"]})
    staged = SequentialAgent(
        name="Steps", sub_agents=[agent(name, stages) for name in stages.script]
    )
    model = Scripted(script={"Root": [call("Loans", request="x")], "Loans": ["Your name?"]})
    tasks = agent("Root", model, sub_agents=[agent("Loans", model, mode="task")])

    assert (await found(staged, ["?"], tmp_path / "staged"))[1] == []
    assert (await found(tasks, ["?"], tmp_path / "tasks"))[1] == []
