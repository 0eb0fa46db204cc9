"""Somebody's own tree, taken apart into a lead and specialists."""

from typing import Any

import pytest
from google.adk.agents import BaseAgent, LlmAgent, LoopAgent, SequentialAgent
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow

from adk_flow.models.scripted import Scripted
from adk_flow.wiring import WiringError, parts_of, wire
from tests.doubles.flow import agent, record
from tests.doubles.teams import SCRIPTS, rate


def test_a_tree_is_taken_apart_at_any_depth():
    model = Scripted()
    clerk, broker, saver = (agent(name, model) for name in ("Clerk", "Broker", "Saver"))
    desk = agent("Desk", model, tools=[rate, AgentTool(clerk)], sub_agents=[broker])
    saver.mode = "single_turn"
    root = agent("Root", model, sub_agents=[desk, saver])

    lead, specialists, left_out = parts_of(root, deep=True)

    assert lead is root
    assert [one.name for one in specialists] == ["Desk", "Broker", "Clerk", "Saver"]
    assert left_out == []
    assert parts_of(root).specialists == [desk, saver]


def test_what_cannot_be_rewired_is_named_with_the_reason():
    model = Scripted()
    steps = SequentialAgent(name="Steps", sub_agents=[agent("First", model), agent("Then", model)])
    graph = Workflow(name="Graph", edges=[("START", agent("Node", model))])
    inner = LoopAgent(name="Rounds", sub_agents=[agent("Again", model)])
    other = Coded(name="Coded")
    tools: list[Any] = [graph, AgentTool(inner), AgentTool(agent("First", model))]

    root = agent("Root", model, sub_agents=[steps, other], tools=tools)

    assert [one.name for one in parts_of(root).specialists] == ["Steps", "Coded", "First"]
    parts = parts_of(root, deep=True)
    assert [one.name for one in parts.specialists] == ["First", "Then", "Coded"]
    assert parts.left_out == [
        "Steps: a SequentialAgent; its agents are taken one by one, without their order",
        "Rounds: a LoopAgent; it stays a tool under every construct",
        "First: another agent has the same name",
        "Graph: a Workflow; it stays a tool under every construct",
    ]


@pytest.mark.parametrize("deep", [False, True])
def test_an_agent_that_is_used_in_two_ways_is_one_specialist(deep):
    model = Scripted()
    asked, talking, both = (agent(name, model) for name in ("Asked", "Talking", "Both"))
    asked.mode, talking.mode = "single_turn", "task"  # of which ADK makes tools, too

    root = agent("Root", model, tools=[AgentTool(both)], sub_agents=[asked, talking, both])

    assert len(root.tools) == 3
    assert parts_of(root, deep=deep)[1:] == ([asked, talking, both], [])


def test_a_tree_without_a_lead_or_specialists_is_a_problem():
    model = Scripted()
    with pytest.raises(WiringError, match="Steps is a SequentialAgent; under"):
        parts_of(SequentialAgent(name="Steps", sub_agents=[agent("First", model)]))
    with pytest.raises(WiringError, match="Root has no specialists; Rounds: a LoopAgent"):
        parts_of(agent("Root", model, tools=[AgentTool(LoopAgent(name="Rounds"))]))


class Coded(BaseAgent):
    """An agent whose owner wrote what it does."""


async def test_an_agent_keeps_the_model_that_it_had_from_above(tmp_path):
    model = Scripted(script=SCRIPTS["agent_tool"])
    loans = LlmAgent(name="Loans", tools=[rate])
    desk = LlmAgent(name="Desk", sub_agents=[loans])
    root = agent("Lead", model, sub_agents=[desk])

    parts = parts_of(root, deep=True)
    flow = await record(wire(*parts[:2], "agent_tool"), ["?"], tmp_path, model=model)

    assert not flow.errors
