"""Two agents that hand over to each other again and again."""

from google.adk.tools.agent_tool import AgentTool

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.findings import desk, found
from tests.doubles.flow import agent


async def test_a_question_handed_over_twice_to_the_same_agent_is_ping_pong(tmp_path):
    root = desk({"Root": [transfer("Loans")] * 2, "Loans": [transfer("Root"), "Well."]})

    flow, (one,) = await found(root, ["?"], tmp_path, "ping_pong")

    assert one.text == "Root handed over to Loans twice in one turn, and Loans to Root once."
    assert (one.turn, one.agents, one.level) == (1, ("Root", "Loans"), "serious")
    proof = [flow.log.records[index] for index in one.records]
    assert [(r.hook, r.transfer) for r in proof] == [
        ("event", "Loans"),
        ("event", "Root"),
        ("event", "Loans"),
    ]


async def test_the_same_hand_over_in_two_turns_or_in_two_calls_is_none(tmp_path):
    turns = desk({"Root": [transfer("Loans")] * 2, "Loans": ["a", transfer("Root"), "b"]})
    model = Scripted(
        script={
            "Root": [[call("Desk", request="x"), call("Desk", request="y")], "end"],
            "Desk": [transfer("Clerk"), transfer("Clerk")],
            "Clerk": ["a", "b"],
        }
    )
    clerk = agent("Desk", model, sub_agents=[agent("Clerk", model)])

    _, none = await found(turns, ["?", "!"], tmp_path / "turns", "ping_pong")
    _, neither = await found(
        agent("Root", model, tools=[AgentTool(clerk)]), ["?"], tmp_path / "calls", "ping_pong"
    )

    assert none == neither == []
