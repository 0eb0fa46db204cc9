"""What agents that ran side by side each wrote."""

import pytest
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.workflow import JoinNode, Workflow

from adk_flow.models.scripted import Scripted, transfer
from tests.doubles.findings import BOTH, desk, found, hooks
from tests.doubles.flow import agent, record


@pytest.mark.parametrize("mode", [{"as_tools": True}, {"mode": "single_turn"}])
async def test_agents_side_by_side_that_write_one_key_lose_a_write(mode, tmp_path):
    script = {"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}
    root = desk(script, output_key="answer", **mode)

    flow, (one,) = await found(root, ["?"], tmp_path, "lost_state_write")

    assert one.text == (
        "Loans and Funds ran side by side and each wrote the state key answer: one write is lost, "
        "unless the values agree."
    )
    assert sorted(hooks(flow, one)) == ["event:Funds", "event:Loans"]


async def test_nodes_side_by_side_that_write_one_key_lose_a_write(tmp_path):
    model = Scripted(script={"Loans": ["a"], "Funds": ["b"]})
    nodes = tuple(agent(name, model, output_key="answer") for name in model.script)
    graph = Workflow(name="Graph", edges=[("START", nodes, JoinNode(name="Join"))])

    _, (one,) = await found(graph, ["?"], tmp_path, "lost_state_write")

    assert set(one.agents) == {"Loans", "Funds"}


async def test_agents_in_turn_may_write_one_key(tmp_path):
    script = {
        "Root": [BOTH[0], BOTH[1], "ab"],
        "Loans": ["a"],
        "Funds": ["b"],
    }
    in_turn = desk(script, as_tools=True, output_key="answer", lead={"output_key": "answer"})
    handed = {"Root": [transfer("Loans")], "Loans": ["a"]}
    over = desk(handed, output_key="answer", lead={"output_key": "answer"})

    assert (await found(in_turn, ["?"], tmp_path / "in", "lost_state_write"))[1] == []
    assert (await found(over, ["?"], tmp_path / "over", "lost_state_write"))[1] == []


async def test_adk_keeps_only_one_of_two_writes_side_by_side(tmp_path):
    """The fact that the finding rests on: ADK merges the deltas key by key."""
    seen = []

    class Watching(BasePlugin):
        async def before_model_callback(self, *, callback_context, llm_request):
            seen.append(callback_context.state.get("answer"))

    script = {"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}
    root = desk(script, as_tools=True, output_key="answer")

    await record(root, ["?"], tmp_path, plugins=[Watching("watching")])

    assert seen == [None, None, None, "b"]
