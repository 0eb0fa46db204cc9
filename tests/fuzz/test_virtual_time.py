"""Composites of timed agents: the critical path is what a run takes on a virtual clock."""

import asyncio
import random
from typing import Any

import pytest
from google.adk.agents import LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, JoinNode, Workflow
from google.genai import types

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import measure
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
        steps = step if isinstance(step, list) else [step]
        parts = [types.Part(text=one) if isinstance(one, str) else one for one in steps]
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


def grown(dice: random.Random, pace: int | None, prefix: str = "n", depth: int = 2) -> Any:
    """Grows a tree of timed agents; with `pace`, each model call takes that long."""
    kind = dice.choice(["seq", "par", "loop", "graph", "caller"] if depth else ["leaf"])
    parts = [grown(dice, pace, f"{prefix}_{n}", depth - 1) for n in range(3)] if depth else []
    seconds, waits = dice.randint(1, 5), [dice.randint(1, 9) for _ in range(2)]
    agents = [part for part in parts if not isinstance(part, Workflow)]
    if kind in ("seq", "par"):
        return (seq if kind == "seq" else par)(prefix, *agents)
    if kind == "loop":
        return LoopAgent(name=prefix, description=prefix, max_iterations=2, sub_agents=agents)
    if kind == "graph":
        gate, last = JoinNode(name=f"{prefix}_gate"), unit(f"{prefix}_z", pace or seconds)
        pairs = [pair for part in parts[:2] for pair in ((START, part), (part, gate))]
        return Workflow(name=prefix, edges=[*pairs, (gate, last), (last, parts[2])])

    async def wait(number: int) -> str:
        await asyncio.sleep(waits[number])
        return "Waited."

    tools = [wait, *map(AgentTool, agents)]
    asked = [("wait", {"number": 0}), ("wait", {"number": 1})]
    asked += [(agent.name, {"request": "Go."}) for agent in agents]
    calls = [types.FunctionCall(name=name, args=args) for name, args in asked]
    model = Timed(seconds=pace or seconds, says=[[types.Part(function_call=one) for one in calls]])
    return LlmAgent(name=prefix, description=prefix, model=model, tools=tools)


@pytest.mark.parametrize("seed", range(8))
def test_the_projected_critical_path_is_the_time_that_a_run_at_that_pace_takes(seed, tmp_path):
    flow = run_virtually(record(grown(random.Random(seed), None), ["Go."], tmp_path / "a"))
    paced = run_virtually(record(grown(random.Random(seed), 2), ["Go."], tmp_path / "b"))

    (projected,) = measure(flow.trace, LatencyProfile("even", 2000, 0))
    assert not flow.errors
    assert flow.figures[0].critical_path_microseconds == flow.figures[0].wall_seconds * 1e6
    assert projected.critical_path_microseconds == paced.figures[0].wall_seconds * 1e6
