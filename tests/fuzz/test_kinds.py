"""Kinds of situation that random trees have shown to be told falsely, each made small."""

from google.adk.agents import LoopAgent, ParallelAgent
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import FunctionTool
from google.adk.workflow import START, RetryConfig, Workflow
from google.genai import types
from pydantic import BaseModel

from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent, record


def look(what: str) -> str:
    """Looks something up."""
    return what


class Answers(BasePlugin):
    async def before_tool_callback(self, **_):
        return {"result": "cached"}


class Raises(BasePlugin):
    async def before_tool_callback(self, **_):
        raise RuntimeError("not now")


async def asked(tmp_path, name, *plugins):
    clerk = agent(
        "Clerk", Scripted(script={"Clerk": [call(name, what="it"), "Done."]}), tools=[look]
    )
    flow = await record(clerk, ["Go."], tmp_path, plugins=list(plugins))
    (turn,) = flow.figures
    return turn.tool_calls


async def test_a_tool_that_did_not_run_is_no_tool_call(tmp_path):
    assert await asked(tmp_path / "ran", "look") == 1
    assert await asked(tmp_path / "answered", "look", Answers("answers")) == 0
    assert await asked(tmp_path / "raised", "look", Raises("raises")) == 0
    assert await asked(tmp_path / "unknown", "no_such_tool") == 0


def moves_of(flow):
    (turn,) = flow.trace.turns
    return [
        (m.kind, m.source, m.target, m.failed) for m in turn.moves if m.kind in ("call", "return")
    ]


async def test_a_round_of_a_loop_is_answered_for_and_the_next_is_not(tmp_path):
    rounds = []

    def answers_first(callback_context):
        rounds.append(1)
        return types.ModelContent("Not now.") if len(rounds) == 1 else None

    stage = agent(
        "Stage", Scripted(script={"Stage": ["Done."]}), before_agent_callback=answers_first
    )
    loop = LoopAgent(name="Loop", sub_agents=[stage], max_iterations=2)

    flow = await record(loop, ["Go."], tmp_path)

    called, back = ("call", "Loop", "Stage", False), ("return", "Stage", "Loop", False)
    assert moves_of(flow) == [called, back, called, back]


class Asked(BaseModel):
    request: str


async def test_a_graph_without_a_result_never_comes_back(tmp_path):
    model = Scripted(script={"Lead": [call("Flow", request="Go."), "Done."], "Stage": ["Said."]})
    branches = ParallelAgent(name="Branches", sub_agents=[agent("Stage", model)])
    graph = Workflow(name="Flow", description="d", edges=[(START, branches)], input_schema=Asked)

    flow = await record(agent("Lead", model, tools=[graph]), ["Go."], tmp_path)

    assert not any(event.get_function_responses() for event in flow.events)
    assert ("return", "Flow", "Lead", True) in moves_of(flow)


async def test_a_node_that_is_tried_again_fails_no_turn(tmp_path):
    tries = []

    def stumble() -> str:
        """Fails at first."""
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("stumbled")
        return "made it"

    model = Scripted(script={"Stage": [call("stumble"), call("stumble"), ""]})
    again = RetryConfig(max_attempts=2, initial_delay=0, jitter=0)
    stage = agent("Stage", model, tools=[FunctionTool(stumble)], retry_config=again)

    flow = await record(Workflow(name="Flow", edges=[(START, stage)]), ["Go."], tmp_path)

    (turn,) = flow.figures
    assert not turn.failed
    assert [move for move in moves_of(flow) if move[0] == "return"] == [
        ("return", "Stage", "Flow", True),
        ("return", "Stage", "Flow", False),
    ]
