"""Composites of timed agents: the critical path is what a run takes on a virtual clock."""

import asyncio
from typing import Any

import pytest
from google.adk.agents import LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, JoinNode, Workflow
from google.genai import types

from tests.doubles.flow import record
from tests.fuzz.virtual_clock import run_virtually

pytestmark = pytest.mark.filterwarnings("ignore")


class Timed(BaseLlm):
    """Takes its time, and says what it is given to say, the last over and over."""

    model: str = "timed"
    seconds: float = 1
    says: list[Any] = []  # noqa: RUF012 - pydantic copies it

    async def generate_content_async(self, llm_request, stream=False):
        await asyncio.sleep(self.seconds)
        step = self.says.pop(0) if self.says else "Done."
        parts = [types.Part(text=step)] if isinstance(step, str) else [step]
        yield LlmResponse(content=types.ModelContent(parts))


def unit(name, seconds=1, *says, **options):
    model = Timed(seconds=seconds, says=list(says))
    return LlmAgent(name=name, description=name, model=model, **options)


def seq(name, *parts):
    return SequentialAgent(name=name, description=name, sub_agents=list(parts))


def par(name, *parts):
    return ParallelAgent(name=name, sub_agents=list(parts))


def caller():
    team = seq("Team", unit("a", 1), unit("b", 2))
    ask = types.Part(function_call=types.FunctionCall(name="Team", args={"request": "Go."}))
    return unit("Root", 1, ask, tools=[AgentTool(team)])


def graph():
    first, left, right, last = unit("a", 1), unit("b", 1), unit("c", 3), unit("d", 1)
    gate = JoinNode(name="gate")
    pairs = [(START, first), (first, left), (first, right), (left, gate), (right, gate)]
    return Workflow(name="flow", edges=[*pairs, (gate, last)])


def counted():
    async def count(node_input: str) -> str:
        await asyncio.sleep(2)
        return node_input

    first, last = unit("a", 1), unit("b", 1)
    return Workflow(name="flow", edges=[(START, first), (first, count), (count, last)])


def talking():
    async def tell(node_input: str):
        yield Event(content=types.ModelContent("Soon."))
        await asyncio.sleep(2)
        yield Event(content=types.ModelContent("Now."))

    async def stream(node_input):
        await asyncio.sleep(1)
        yield Event(content=types.ModelContent("I "), partial=True)
        await asyncio.sleep(1)
        yield Event(content=types.ModelContent("mean it."), partial=True)

    last = unit("b", 1)
    return Workflow(name="flow", edges=[(START, tell), (tell, stream), (stream, last)])


def deep():
    async def wait(node_input: str) -> str:
        await asyncio.sleep(2)
        return node_input

    inner = Workflow(name="inner", edges=[(START, wait), (wait, unit("b", 1))])
    gate, last = JoinNode(name="gate"), unit("z", 1)
    first = unit("a", 1)
    pairs = [(START, first), (START, inner), (first, gate), (inner, gate)]
    return Workflow(name="outer", edges=[*pairs, (gate, last)])


TREES = {
    "pipeline": (lambda: seq("S", par("P", unit("a"), unit("b")), unit("merger")), 2, 1.5),
    "nested": (lambda: seq("S", seq("T", unit("a", 1), unit("b", 2)), unit("c", 3)), 6, 1),
    "loop": (
        lambda: LoopAgent(
            name="L", max_iterations=3, sub_agents=[par("P", unit("a"), unit("b", 3)), unit("c")]
        ),
        12,
        15 / 12,
    ),
    "agent_tool": (caller, 5, 1),
    "graph": (graph, 5, 6 / 5),
    "functions": (counted, 4, 0.5),
    "talking": (talking, 5, 1 / 5),
    "graphs": (deep, 4, 3 / 4),
}


@pytest.mark.parametrize("name", TREES)
def test_the_critical_path_is_the_time_that_a_run_takes(name, tmp_path):
    grow, seconds, parallelism = TREES[name]

    flow = run_virtually(record(grow(), ["Go."], tmp_path))

    (turn,) = flow.figures
    assert turn.wall_seconds == pytest.approx(seconds)
    assert turn.critical_path_microseconds == pytest.approx(seconds * 1e6)
    assert turn.parallelism == pytest.approx(parallelism)
