"""Answers of two agents that touch."""

from typing import Any

import pytest
from google.adk.events.event import Event
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import JoinNode, Workflow
from google.genai import types

from adk_flow.models.scripted import Scripted
from tests.doubles.findings import BOTH, found, hooks
from tests.doubles.flow import agent

LOANS, FUNDS = "A loan of £500 costs 5%.", "Your fund is worth £6,000."


def leading(model: Any, tools: Any) -> Any:
    return agent("Root", model, tools=tools)


def team(**script: Any) -> tuple[Any, list[Any]]:
    model = Scripted(script={"Loans": [LOANS], "Funds": [FUNDS], **script})
    return model, [agent("Loans", model), agent("Funds", model)]


async def test_answers_that_adk_shows_as_one_event_touch(tmp_path):
    model, both = team(Root=[BOTH])
    tools = [AgentTool(one, skip_summarization=True) for one in both]

    flow, (finding,) = await found(leading(model, tools), ["?"], tmp_path, "glued_answers")

    # What `adk run` prints of an event (2.13, cli/cli.py).
    (parts,) = [event.content.parts for event in flow.events if event.is_final_response()]
    assert "".join(part.text or "" for part in parts) == LOANS + FUNDS
    assert finding.agents == ("Loans", "Funds")
    assert finding.level == "serious"
    assert "costs 5%.Your fund is" in finding.text
    assert hooks(flow, finding) == ["event:Root"]


@pytest.mark.parametrize(("between", "count"), [("", 1), (" ", 0), ("\n", 0), (", ", 0)])
async def test_an_apps_merge_is_told_if_it_leaves_nothing_between(tmp_path, between, count):
    _, both = team()

    def merge(node_input: dict[str, str]) -> Event:
        return Event(content=types.ModelContent(between.join([node_input["Loans"], FUNDS])))

    join = JoinNode(name="join")
    root = Workflow(name="All", edges=[("START", tuple(both), join, merge)])
    _, findings = await found(root, ["?"], tmp_path, "glued_answers")

    assert len(findings) == count


async def test_a_leads_own_merge_is_told_and_its_own_words_are_not(tmp_path):
    for said, count in ((f"He says: {LOANS}{FUNDS}", 1), ("5%.£6,000", 0), (LOANS, 0)):
        model, both = team(Root=[BOTH, said])
        tools = [AgentTool(one) for one in both]
        _, findings = await found(leading(model, tools), ["?"], tmp_path, "glued_answers")
        assert len(findings) == count, said
