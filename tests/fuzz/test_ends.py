"""How calls and tries of a node end, in situations that random trees have shown."""

from typing import Any

import pytest
from google.adk.agents import BaseAgent, ParallelAgent, SequentialAgent
from google.adk.apps.app import ResumabilityConfig
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import FunctionTool, LongRunningFunctionTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, JoinNode, RetryConfig, Workflow
from google.genai import types
from pydantic import BaseModel

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched


class Breaks(BasePlugin):
    async def after_tool_callback(self, **_):
        raise RuntimeError("not now")


def ends_of(flow):
    moves = [move for turn in flow.trace.turns for move in turn.moves]
    return [(m.source, m.target, m.failed) for m in moves if m.kind == "return"]


async def test_an_agent_gave_its_answer_though_a_plugin_broke_on_it(tmp_path):
    model = Scripted(script={"Lead": [call("Aide", request="Go.")], "Aide": ["Said."]})
    lead = agent("Lead", model, tools=[AgentTool(agent("Aide", model))])

    flow = await record(lead, ["Go."], tmp_path, before=[Breaks("breaks")])

    assert ends_of(flow) == [("Aide", "Lead", False)]
    assert [turn.failed for turn in flow.figures] == [True]


async def test_a_task_whose_id_repeats_is_of_whom_it_had_been_handed_to(tmp_path):
    asks = call("Aide", request="Go.")
    asks.id = "same"
    script = {
        "Lead": [asks, "Done.", asks, "Done."],
        "Aide": [transfer("Peer")],
        "Peer": ["Said.", "Said."],
    }
    model = Scripted(script=script)
    children = [agent("Aide", model, mode="task"), agent("Peer", model)]

    flow = await record(agent("Lead", model, sub_agents=children), ["Go.", "Go."], tmp_path)

    answers = [event.get_function_responses() for event in flow.events if event.author == "user"]
    assert [[answer.id for answer in parts] for parts in answers] == [["same"], ["same"]]
    assert ends_of(flow) == [("Peer", "Lead", False)] * 2
    _, second = flow.trace.turns
    assert [(m.target, m.cause) for m in second.moves if m.kind == "call"] == [("Peer", "task")]


class AsksItself(BasePlugin):
    """Asks the model in ADK's place once a task is done."""

    async def before_model_callback(self, *, callback_context, llm_request):
        asked: Any = getattr(callback_context._invocation_context.agent, "model", None)
        if callback_context.agent_name != "Lead" or not asked.sent:
            return None
        llm_request.config.labels = {"adk_agent_name": "Lead"}
        return [one async for one in asked.generate_content_async(llm_request)][-1]


async def test_what_a_plugin_asks_once_a_task_is_done_is_the_plugins_one_call(tmp_path):
    model = Watched(
        script={
            "Lead": [call("Aide", request="Go."), "Done."],
            "Aide": [call("finish_task", result="Ok.")],
        }
    )
    lead = agent("Lead", model, sub_agents=[agent("Aide", model, mode="task")])

    flow = await record(lead, ["Go."], tmp_path, before=[AsksItself("asks")], model=model)

    (turn,) = flow.figures
    assert (turn.llm_calls, turn.unseen_llm_calls) == (len(model.sent), 0) == (3, 0)


async def test_a_turn_begins_with_the_outermost_graph(tmp_path):
    def left() -> str:
        return "l"

    def right() -> str:
        return "r"

    gate = JoinNode(name="gate")
    inner = Workflow(name="Inner", edges=[(START, (left, right)), ((left, right), gate)])

    flow = await record(Workflow(name="Outer", edges=[(START, inner)]), ["Go."], tmp_path)

    (turn,) = flow.trace.turns
    ends = [(m.source, m.target) for m in turn.moves if m.kind in ("start", "end")]
    assert ends == [("user", "Outer"), ("Outer", "user")]


class Stumbles(BaseAgent):
    """Fails at first, and then says nothing."""

    tries: int = 0

    async def _run_async_impl(self, ctx):
        self.tries += 1
        if self.tries == 1:
            raise RuntimeError("stumbled")
        for event in list[Event]():
            yield event


async def test_a_node_that_is_tried_again_in_silence_fails_no_turn(tmp_path):
    again = RetryConfig(max_attempts=2, initial_delay=0, jitter=0)
    stage = Stumbles(name="Stage", retry_config=again)

    flow = await record(Workflow(name="Flow", edges=[(START, stage)]), ["Go."], tmp_path)

    assert [turn.failed for turn in flow.figures] == [bool(flow.errors)] == [False]


class Asked(BaseModel):
    request: str


async def test_an_agents_node_that_fails_fails_no_turn_that_goes_on_to_wait(tmp_path):
    def stumble(node_input: Asked) -> str:
        raise RuntimeError("stumbled")

    def pay(what: str) -> str:
        return what

    def mends(tool, args, tool_context, error):
        return {"error": str(error)}

    asks = [call("Flow", request="Go."), call("pay", what="5")]
    model = Scripted(script={"Lead": [asks]})
    graph = Workflow(name="Flow", description="d", edges=[(START, stumble)], input_schema=Asked)
    tools = [graph, FunctionTool(pay, require_confirmation=True)]

    lead = agent("Lead", model, tools=tools, on_tool_error_callback=mends)
    flow = await record(lead, ["Go."], tmp_path)

    (turn,) = flow.figures
    assert any("stumbled" in record.error for record in flow.of("event"))
    assert not (turn.failed or flow.errors) and turn.waits_for == ["Lead"]


async def test_a_transfer_that_an_open_task_keeps_back_is_nobodys_later_cause(tmp_path):
    script = {
        "Lead": [call("Aide", request="Go."), transfer("Peer"), "Done."],
        "Aide": [transfer("Peer"), transfer("Lead"), call("finish_task", result="x")],
        "Peer": [transfer("Lead"), transfer("Lead")],
    }
    model = Scripted(script=script)
    children = [agent("Aide", model, mode="task"), agent("Peer", model)]

    flow = await record(agent("Lead", model, sub_agents=children), ["Go."], tmp_path)

    handed = [(one.author, one.actions.transfer_to_agent) for one in flow.events]
    moves = [(m.source, m.target) for m in flow.moves if m.kind == "transfer"]
    assert moves == [pair for pair in handed if pair[1]]
    assert len(moves) == 5


async def test_whom_an_open_task_kept_back_hands_over_to_nobody_that_runs_twice(tmp_path):
    script = {
        "Lead": [call("Task", request="Go."), call("Aide", request="Go."), "1.", "2.", "3."],
        "Task": [transfer("Lead"), transfer("Lead"), call("finish_task", result="x")],
        "Aide": [transfer("Lead")],
    }
    model = Scripted(script=script)
    children = [agent("Task", model, mode="task"), agent("Aide", model, mode="single_turn")]

    flow = await record(agent("Lead", model, sub_agents=children), ["Go."], tmp_path)

    by_number = flow.trace.activations
    sources = [by_number[began.parent].agent for began in flow.of("before_agent")[-2:]]
    assert sources == ["Aide", "Aide"]  # ADK runs the target of a called agent twice (2.13)


class Idle(BasePlugin):
    """Answers nothing, but might."""

    async def before_agent_callback(self, **_: Any) -> None: ...


@pytest.mark.parametrize("before", [[], [Idle("idle")]])
async def test_an_agent_that_fails_before_it_begins_fails_the_call_that_it_runs_in(
    tmp_path, before
):
    def pay(what: str) -> None:
        """Pays later."""

    asks = [call("Aide", request="Go."), call("pay", what="5")]
    script = {"Lead": [asks, call("Task", request="Go.")], "Aide": [transfer("Lead")]}
    model = Scripted(script=script | {"Task": []})
    children = [agent("Task", model, mode="task"), agent("Aide", model, mode="single_turn")]
    lead = agent("Lead", model, tools=[LongRunningFunctionTool(pay)], sub_agents=children)
    resumed = ResumabilityConfig(is_resumable=True)
    flow = await record(lead, ["Go."], tmp_path, before=before, resumability_config=resumed)

    assert any("rerun_on_resume" in record.error for record in flow.of("event"))
    assert [turn.failed for turn in flow.figures] == [bool(flow.errors)] == [False]
    assert ("Lead", "Lead", True) in ends_of(flow)


class Speaks(BasePlugin):
    async def after_agent_callback(self, *, agent, **_):
        return types.ModelContent("After all.") if agent.name == "Both" else None


@pytest.mark.parametrize("place", ["before", "plugins"])
async def test_words_after_branches_are_of_who_joins_them(tmp_path, place):
    model = Scripted(script={name: ["Said."] for name in ("Left", "Right", "Next")})
    both = ParallelAgent(name="Both", sub_agents=[agent("Left", model), agent("Right", model)])
    stages = SequentialAgent(name="Stages", sub_agents=[both, agent("Next", model)])
    graph, speaks = Workflow(name="Flow", edges=[(START, stages)]), [Speaks("speaks")]

    flow = await record(graph, ["Go."], tmp_path, **{place: speaks})

    assert [m.target for m in flow.moves if m.kind == "fork"] == ["Left, Right"]
    names, by_number = ["Both", "Next"], flow.trace.activations
    replies = [move for move in flow.moves if move.kind == "reply"][-2:]
    assert [by_number[move.activation].agent for move in replies] == names
