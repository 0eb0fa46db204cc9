"""The routes that a graph takes, and nodes that it tries again."""

from typing import Any

from google.adk import Event
from google.adk.events import EventActions
from google.adk.tools import FunctionTool
from google.adk.workflow import START, FunctionNode, RetryConfig, Workflow

from adk_flow.models.scripted import Scripted
from adk_flow.render.mermaid import sequence_diagram
from tests.doubles.flow import agent, record


async def test_tries_and_the_route_taken_stand_in_the_drawing(tmp_path):
    faults = [RuntimeError("down")]

    def fetch(node_input: str) -> str:
        if faults:
            raise faults.pop()
        return "ok"

    def judge(node_input: str) -> Event:
        return Event(author="judge", actions=EventActions(route="good"))

    retry = RetryConfig(max_attempts=2, initial_delay=0.001)
    model = Scripted(script={"Writer": [RuntimeError("429"), "w"]})
    writer = agent("Writer", model, retry_config=retry)
    node = FunctionNode(name="fetch", func=fetch, retry_config=retry)
    end = FunctionNode(name="bad", func=lambda node_input: "bad")
    routes = {"good": writer, "bad": end}
    edges: list[Any] = [(START, node), (node, judge), (judge, routes)]
    root = Workflow(name="flow", edges=edges)

    flow = await record(root, ["?"], tmp_path, model=model)

    moves = [(m.kind, m.source, m.target, m.text) for m in flow.moves if m.is_control][1:-1]
    assert moves == [
        ("call", "flow", "fetch", ""),
        ("return", "fetch", "flow", "RuntimeError: down"),
        ("call", "flow", "fetch", "try 2"),
        ("return", "fetch", "flow", ""),
        ("call", "flow", "judge", ""),
        ("return", "judge", "flow", "route good"),
        ("call", "flow", "Writer", ""),
        ("return", "Writer", "flow", "RuntimeError: 429"),
        ("call", "flow", "Writer", "try 2"),
        ("return", "Writer", "flow", ""),
    ]
    drawing = sequence_diagram(flow.moves)
    assert drawing.count("call: try 2") == 2
    assert "return: route good" in drawing


async def test_a_tool_that_is_a_node_is_the_graphs_call(tmp_path):
    ran = []

    def look(city: str) -> str:
        """Looks."""
        ran.append(city)
        return city

    inner = Workflow(name="inner", edges=[(START, FunctionTool(look))])
    outer = Workflow(name="flow", edges=[(START, FunctionTool(look), inner)])
    flow = await record(outer, ["Bath"], tmp_path)

    (turn,) = flow.figures
    assert turn.tools == {"look": len(ran)} == {"look": 2}
    assert {name: figures.tool_calls for name, figures in turn.agents.items()} == {
        "flow": 1,
        "inner": 1,
    }
