"""Plans in ADK's own commands: words that equal a turn's play its plan, whatever else is asked."""

import json

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.runners import InMemoryRunner

from adk_flow.log.reader import read_log
from adk_flow.models.planned import PlanPlugin
from tests.doubles.served import Chat, serving

AGENT = '''
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow import FlowPlugin
from adk_flow.models.from_env import model_from_env
from adk_flow.models.planned import PlanPlugin


def look(thing: str) -> str:
    """Looks a thing up."""
    raise RuntimeError("not to be run")


spec = LlmAgent(name="Spec", model=model_from_env(), description="Looks.", tools=[look])
root_agent = LlmAgent(name="Lead", model=model_from_env(), tools=[AgentTool(spec)])
plans = PlanPlugin(Path(__file__).with_name("conversation.yaml"), alone=True)
app = App(name="planned_app", root_agent=root_agent, plugins=[FlowPlugin(), plans])
'''

CONVERSATION = """
turns:
  - say: Find x.
    plan:
      - {agent: Spec, ask: find x, tools: [{name: look, args: {thing: x}, returns: x is here}]}
  - say: And y?
    plan:
      - {agent: Spec, ask: find y, tools: [{name: look, args: {thing: y}, returns: {at: there}}]}
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    for name in ("MODEL_NAME", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "apps" / "planned_app"
    folder.mkdir(parents=True)
    (folder / "agent.py").write_text(AGENT, encoding="utf-8")
    (folder / "__init__.py").touch()
    (folder / "conversation.yaml").write_text(CONVERSATION, encoding="utf-8")
    with serving(folder.parent, tmp_path / "logs", web=False) as served:
        yield served


def answers(chat):
    return [
        part["text"]
        for event in chat.events
        for part in event.get("content", {}).get("parts", [])
        if "text" in part
    ]


def test_a_served_app_plays_its_plans_and_says_plainly_what_else_it_cannot(client, tmp_path):
    chat = Chat(client, "planned_app").say(["Find x.", "Hello?", " And  y? "])

    line = (
        "Without a language model this app plays only its plans: ask “Find x.” and “And y?”; or "
        "set MODEL_NAME and a key."
    )
    assert answers(chat) == ["x is here", line, json.dumps({"at": "there"})]
    (path,) = (tmp_path / "logs").glob("*/*.jsonl")
    asked = [record for record in read_log(path).records if record.hook == "before_model"]
    assert [record.model for record in asked] == ["planned"] * 8


async def test_a_plan_of_somebody_whom_the_app_has_not_is_refused(tmp_path):
    talk = tmp_path / "talk.yaml"
    talk.write_text("turns: [{say: Hi., plan: [{agent: Nobody}]}]")
    spec = LlmAgent(name="Spec", model="offline")
    lead = LlmAgent(name="Lead", model="offline", sub_agents=[spec])
    app = App(name="app", root_agent=lead, plugins=[PlanPlugin(talk)])

    with pytest.raises(RuntimeError, match=r"talk.yaml: turns.*the app has no agent 'Nobody'"):
        await InMemoryRunner(app=app).run_debug("Hi.", quiet=True)


def test_two_sessions_at_once_keep_their_turns_apart(client):
    first, second = Chat(client, "planned_app"), Chat(client, "planned_app", streaming=True)

    first.say(["Find x."])
    second.say(["And y?"])
    first.say(["And y?"])

    assert answers(first) == ["x is here", json.dumps({"at": "there"})]
    assert answers(second) == [json.dumps({"at": "there"})]
