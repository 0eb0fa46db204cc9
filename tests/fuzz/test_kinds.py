"""Kinds of situation that random trees have shown to be told falsely, each made small."""

from google.adk.agents import LoopAgent, ParallelAgent
from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps.app import ResumabilityConfig
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import FunctionTool
from google.adk.workflow import START, RetryConfig, Workflow
from google.genai import types
from pydantic import BaseModel

from adk_flow.models.scripted import Scripted, call, transfer
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


async def test_a_graph_whose_call_is_answered_for_was_not_called_nor_forked(tmp_path):
    script = {"Lead": [[call("Flow", request="Go."), call("Aide", request="Go.")], "Done."]}
    model = Scripted(script=script | {"Aide": ["Said."]})
    graph = Workflow(
        name="Flow", edges=[(START, agent("Stage", model))], input_schema=Asked, description="d"
    )
    aide = agent("Aide", model, mode="single_turn")

    def answers(tool, args, tool_context):
        return {"result": "cached"} if tool.name == "Flow" else None

    lead = agent("Lead", model, tools=[graph], sub_agents=[aide], before_tool_callback=answers)
    flow = await record(lead, ["Go."], tmp_path)

    assert [(kind, target) for kind, _, target, _ in moves_of(flow)] == [
        ("call", "Aide"),
        ("return", "Lead"),
    ]
    assert not [move for move in flow.trace.moves if move.kind in ("fork", "join")]


class Stream(BaseLlm):
    """Says its words in two parts and then whole."""

    model: str = "stream"

    async def generate_content_async(self, llm_request, stream=False):
        yield LlmResponse(content=types.ModelContent("He"), partial=True)
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=10, candidates_token_count=2, total_token_count=12
        )
        yield LlmResponse(content=types.ModelContent("Hello."), usage_metadata=usage)


class Breaks(BasePlugin):
    async def after_model_callback(self, *, llm_response, **_):
        if not llm_response.partial:
            raise RuntimeError("not now")


async def test_what_a_streamed_answer_took_is_known_though_a_plugin_broke_on_it(tmp_path):
    config = RunConfig(streaming_mode=StreamingMode.SSE)
    clerk, before = agent("Clerk", Stream()), [Breaks("breaks")]
    flow = await record(clerk, ["Go."], tmp_path, before=before, run_config=config)

    (turn,) = flow.figures
    assert (turn.llm_calls, turn.input_tokens, turn.output_tokens) == (1, 10, 2)
    assert [hook.hook for turn in flow.trace.turns for hook in turn.hidden_hooks] == ["after_model"]


async def test_a_childs_failure_fails_no_turn_that_goes_on_to_wait(tmp_path):
    asks = [call("Aide", request="Go."), call("pay", what="5")]
    model = Scripted(script={"Lead": [asks], "Aide": [transfer("Nobody")]})
    aide = agent("Aide", model, mode="single_turn")
    pay = FunctionTool(look, require_confirmation=True)
    pay.name = "pay"

    flow = await record(agent("Lead", model, tools=[pay], sub_agents=[aide]), ["Go."], tmp_path)

    (turn,) = flow.figures
    assert not turn.failed and turn.waits_for == ["Lead"]
    assert ("return", "Aide", "Lead", True) in moves_of(flow)


async def test_nodes_that_ran_before_a_pause_are_not_called_again_by_its_answer(tmp_path):
    def first(node_input: str) -> str:
        """Works."""
        return "worked"

    model = Scripted(script={"Clerk": [call("look", what="5"), "Done."]})
    clerk = agent("Clerk", model, tools=[FunctionTool(look, require_confirmation=True)])
    graph = Workflow(name="Flow", edges=[(START, first), (first, clerk)])

    def confirm(events):
        (asked,) = [c for e in events for c in e.get_function_calls() if c.name != "look"]
        answer = types.FunctionResponse(id=asked.id, name=asked.name, response={"confirmed": True})
        return types.Content(role="user", parts=[types.Part(function_response=answer)])

    resumed = ResumabilityConfig(is_resumable=True)
    flow = await record(graph, ["Go.", confirm], tmp_path, resumability_config=resumed)

    called = [m.target for turn in flow.trace.turns for m in turn.moves if m.kind == "call"]
    assert called == ["first", "Clerk", "Clerk"]
