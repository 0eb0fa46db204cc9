"""Plans that play where a user says a turn's words; a language model, if one is named, is asked."""

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow.models.override import override_models
from adk_flow.models.planned.spoken import SpokenPlan, SpokenPlans
from adk_flow.models.scripted import Scripted
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from tests.doubles.flow import expected, record

PLANS = """
turns:
  - say: How dear?
    plan: [{agent: Loans, ask: "The rate?", tools: [{name: rate}]}]
  - say: The rate?
    plan: [{agent: Lead, says: It depends.}]
  - say: Who are you?
"""


def rate() -> str:
    """Looks the rate up."""
    return "5%"


@pytest.fixture(autouse=True)
def keyless(monkeypatch):
    for name in ("MODEL_NAME", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plans(tmp_path):
    file = tmp_path / "plans.yaml"
    file.write_text(PLANS, encoding="utf-8")
    return lambda root: SpokenPlans(file, root)


def desk(plans):
    plugin = plans(lambda: lead)
    loans = LlmAgent(name="Loans", model=plugin.model, description="Loans.", tools=[rate])
    lead = LlmAgent(name="Lead", model=plugin.model, tools=[AgentTool(loans)])
    return lead, plugin


async def test_a_turns_words_play_its_plan_and_a_call_below_is_part_of_it(plans, tmp_path):
    lead, plugin = desk(plans)

    flow = await record(lead, ["  How dear?", "The rate?"], tmp_path, plugins=[plugin])

    assert not flow.errors
    assert flow.picture == expected("""
        start user to Lead
        user say Lead "How dear?"
        Lead -> Loans (agent_tool)
        Lead ask Loans "The rate?"
        Loans answer Lead "5%"
        Lead <- Loans
        Lead reply user "5%"
        end Lead to user

        start user to Lead
        user say Lead "The rate?"
        Lead reply user "It depends."
        end Lead to user
    """)


@pytest.mark.parametrize("words", ["How dear", "Who are you?"])
async def test_without_a_plan_nobody_is_asked(words, plans, tmp_path):
    lead, plugin = desk(plans)

    flow = await record(lead, [words], tmp_path, plugins=[plugin])

    (event,) = flow.events
    assert event.content.parts[0].text.startswith("Without a language model, only the questions of")


async def test_a_model_that_a_conversation_is_held_with_is_asked(plans, tmp_path):
    lead, plugin = desk(plans)
    app = App(name="desk", root_agent=lead, plugins=[plugin])
    app = override_models(app, Scripted(script={"Lead": ["Good day."]}))

    run = await run_conversation(app, of_questions(["Hello?"]), file=tmp_path / "log.jsonl")

    assert run.turns[0].answer == "Good day."


def test_a_language_model_that_is_named_is_the_agents(plans, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "gemini-2.5-flash")
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")

    assert plans(lambda: None).model == "gemini-2.5-flash"


@pytest.mark.parametrize("name", ["", "offline"])
def test_else_the_agents_play(name, plans, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", name)

    assert isinstance(plans(lambda: None).model, SpokenPlan)
