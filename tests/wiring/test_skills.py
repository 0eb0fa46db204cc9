"""Specialists as skills of one agent: what a skill brings, what it cannot, and how it is named."""

import json
import re
from typing import Any

import msgspec
import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.function_tool import FunctionTool
from hypothesis import given
from hypothesis import strategies as st

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.comparison.variants import make_variants
from adk_flow.models.request.situation import LONGEST_NAME, skill_name
from adk_flow.models.scripted import Scripted, call
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import WiringError, wire
from adk_flow.wiring.changes import describe_changes
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched
from tests.doubles.teams import SCRIPTS, rate, team, twice

LOAD = call("load_skill", skill_name="loans")


class Shelf(BaseToolset):
    """A toolset, whose tools have names in a run only."""

    async def get_tools(self, readonly_context: Any = None) -> list[BaseTool]:
        return [FunctionTool(rate)]

    async def close(self):
        pass


@pytest.fixture(autouse=True)
def no_model_named(monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)


def skilled(*specialists: LlmAgent) -> Any:
    return wire(agent("Lead", Scripted()), specialists, "skills")


async def test_a_skill_brings_its_instruction_and_tools_once_it_is_loaded(tmp_path):
    model = Watched(script=twice("skills"))
    lead, specialists = team(model)

    flow = await record(wire(lead, specialists, "skills"), ["a", "b"], tmp_path, model=model)

    offered = [("rate" in sent.tools, "loans" in sent.instruction) for sent in model.sent]
    # Loaded, it stays: the second turn is offered its tools without loading it anew.
    assert offered == [(False, True), *[(True, True)] * 4]
    (loaded,) = [one for one in flow.of("after_tool") if one.tool == "load_skill"]
    assert json.loads(loaded.text)["instructions"] == "You lend."
    assert "list_skills" not in model.sent[0].tools


async def test_a_skills_instruction_takes_values_from_the_state(tmp_path):
    model = Watched(script={"Lead": [LOAD, "So."]})
    loans = agent("Loans", model, instruction="You lend in {region?}.")

    flow = await record(wire(agent("Lead", model), [loans], "skills"), ["?"], tmp_path)

    (loaded,) = flow.of("after_tool")
    assert json.loads(loaded.text)["instructions"] == "You lend in ."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mortgage_Agent", "mortgage-agent"),
        ("_loans__2", "loans-2"),
        ("Überweisung", "uberweisung"),
        ("A" * 80, "a" * 64),
    ],
)
def test_an_agents_name_is_made_one_of_a_skill(name, expected):
    assert skill_name(name) == expected
    (toolset,) = skilled(LlmAgent(name=name)).tools
    assert list(toolset._skills) == [expected]


@given(st.text())
def test_what_is_left_of_any_name_is_one_that_adk_takes(name):
    made = skill_name(name)
    assert not made or (re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made) and len(made) <= LONGEST_NAME)


@pytest.mark.parametrize(
    ("specialists", "words"),
    [
        ([LlmAgent(name="A_B"), LlmAgent(name="a__b")], "A_B and a__b would both be the skill a-b"),
        ([LlmAgent(name="預算")], "'預算' has no letter from a to z, as a skill's"),
        ([LlmAgent(name="A", instruction=lambda _: "x")], "A's instruction is a function"),
    ],
)
def test_what_can_be_no_skill_is_refused_in_one_line(specialists, words):
    with pytest.raises(WiringError, match=words) as caught:
        skilled(*specialists)
    assert "\n" not in str(caught.value)


def test_what_a_skill_cannot_carry_is_told():
    helper = LlmAgent(name="Helper")
    flash = "gemini-2.5-flash"
    funds = LlmAgent(
        name="Funds", model=flash, output_key="funds", sub_agents=[helper], tools=[Shelf()]
    )
    loans = LlmAgent(
        name="Loans", model="gemini-2.5-pro", output_schema=dict, before_model_callback=print
    )
    loans.before_tool_callback = print

    lead = LlmAgent(name="Lead", model=flash)
    assert describe_changes(lead, [loans, funds], "skills") == [
        "nobody has the model, before_model_callback and output_schema of Loans; output_key of "
        "Funds",
        "the callbacks around tools of Loans run around every tool",
        "the lead has Shelf and Helper of Funds from the start",
    ]


async def test_a_toolset_and_helpers_are_the_leads_from_the_start(tmp_path):
    model = Watched(script={"Lead": ["So."], "Helper": []})
    funds = agent("Funds", model, sub_agents=[agent("Helper", model)], tools=[Shelf()])

    await record(wire(agent("Lead", model), [funds], "skills"), ["?"], tmp_path)

    assert {"rate", "transfer_to_agent", "load_skill"} <= set(model.sent[0].tools)


async def test_agents_that_a_specialist_calls_come_with_its_skill(tmp_path):
    model = Watched(script={"Lead": [LOAD, call("Clerk", request="x"), "So."], "Clerk": ["c"]})
    loans = agent("Loans", model, tools=[AgentTool(agent("Clerk", model))])

    flow = await record(wire(agent("Lead", model), [loans], "skills"), ["?"], tmp_path, model=model)

    assert "Lead -> Clerk (agent_tool)" in flow.control
    assert "Clerk" not in model.sent[0].tools


async def test_a_plan_loads_the_skill_that_brings_an_agent_on_the_way(tmp_path):
    clerk = AgentTool(agent("Clerk", "gemini-2.5-flash", tools=[rate]))
    both = [agent(n, "gemini-2.5-flash", tools=t) for n, t in (("Loans", [clerk]), ("Funds", []))]
    task = {"agent": "Clerk", "ask": "x", "tools": [{"name": "rate", "args": {"years": 5}}]}
    asked = msgspec.convert({"turns": [{"say": "?", "plan": [task]}]}, Conversation)
    root = wire(agent("Lead", "gemini-2.5-flash"), both, "skills")

    held = await run_conversation(
        App(name="app", root_agent=root), asked, file=tmp_path / "l.jsonl"
    )

    (turn,) = held.turns
    # The lead loads, calls and answers; Clerk looks up and answers.
    assert (turn.llm_calls, turn.tool_calls, held.failed_checks) == (3 + 2, 2, [[]])
    assert turn.answer == "5% for 5 years"


def test_an_adk_without_eager_skills_leaves_them_out_with_the_reason(monkeypatch):
    from google.adk.tools import skill_toolset

    monkeypatch.delattr(skill_toolset, "SkillDiscoveryMode")  # as in 2.4 to 2.9
    lead, specialists = team(Scripted(script=SCRIPTS["transfer"]))
    lead.sub_agents = list(specialists)

    variants = make_variants(App(name="app", root_agent=lead), ["skills", "transfer"])

    assert variants.skipped == {"skills": "skills needs google-adk 2.10 or newer"}
