"""A dry run asks no model but the given one, wherever an app keeps its agents and models."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.flows.llm_flows.extensions import _agent_transfer
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.models.registry import LLMRegistry
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.adk.tools import google_search
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.genai import types

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, measure_run
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.models.decisions import decided
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import Override, models_of, override_models
from adk_flow.models.scripted import Scripted, call
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from tests.doubles.command import run_command

OWN = "paid-model"
"""What every agent of these apps names."""
CHECK = "_get_incompatible_builtin_tool_error"
ASKED: list[str] = []
"""Whom the paid model was asked by, or nothing."""


class Paid(BaseLlm):
    """A model that a dry run must not ask."""

    model: str = OWN

    @classmethod
    def supported_models(cls):
        return [OWN]

    async def generate_content_async(self, llm_request, stream=False):
        ASKED.append((llm_request.config.labels or {}).get("adk_agent_name", "nobody"))
        yield LlmResponse(content=types.ModelContent("paid"))


@pytest.fixture(autouse=True)
def paid():
    LLMRegistry.register(Paid)
    ASKED.clear()


async def run_by_itself(agent, words) -> list[str]:
    runner = InMemoryRunner(agent=agent, app_name="own")
    session = await runner.session_service.create_session(app_name="own", user_id="u")
    message = types.UserContent(words)
    return [
        str(event.content.parts[0].text)
        async for event in runner.run_async(user_id="u", session_id=session.id, new_message=message)
        if event.content
    ]


def lead(**fields):
    return LlmAgent(name="lead", model=OWN, instruction="Help.", **fields)


def helper():
    return LlmAgent(name="helper", model=OWN, instruction="Help.", description="Helps.")


class Judge(BasePlugin):
    """Has an agent on a Runner of its own read what the user says."""

    def __init__(self):
        super().__init__(name="judge")
        self.verdicts = []

    async def on_user_message_callback(self, *, invocation_context, user_message):
        self.verdicts += await run_by_itself(helper(), "Is it safe?")


class Team(BaseToolset):
    """Makes an agent that no plugin is told of, each time its tools are asked for."""

    async def get_tools(self, readonly_context=None) -> list[BaseTool]:
        return [AgentTool(helper(), include_plugins=False)]


async def summarise(request: str) -> str:
    return " ".join(await run_by_itself(helper(), request))


def summarise_in_a_thread(request: str) -> str:
    with ThreadPoolExecutor() as threads:
        return threads.submit(asyncio.run, summarise(request)).result()


async def ask_directly(request: str) -> str:
    request_of_own = LlmRequest(model=OWN, contents=[types.UserContent(request)])
    said = Paid(model=OWN).generate_content_async(request_of_own)
    return " ".join([str(one.content.parts[0].text) async for one in said])


def compacting(summarizer):
    config = EventsCompactionConfig(compaction_interval=1, overlap_size=0, summarizer=summarizer)
    return App(name="app", root_agent=lead(), events_compaction_config=config)


def with_tool(tool):
    return App(name="app", root_agent=lead(tools=[tool]))


APPS = {
    "compaction": lambda: compacting(LlmEventSummarizer(llm=Paid())),
    "compaction by the lead's model": lambda: compacting(None),
    "a plugin's own Runner": lambda: App(name="app", root_agent=lead(), plugins=[Judge()]),
    "a Runner in a tool": lambda: with_tool(summarise),
    "a Runner in a tool's own thread": lambda: with_tool(summarise_in_a_thread),
    "a model that a tool asks": lambda: with_tool(ask_directly),
    "AgentTool without plugins": lambda: with_tool(Team()),
}

TOOLS = {
    "a Runner in a tool": "summarise",
    "a Runner in a tool's own thread": "summarise_in_a_thread",
    "a model that a tool asks": "ask_directly",
    "AgentTool without plugins": "helper",
}


def script_of(shape):
    tool = TOOLS.get(shape)
    script = {"lead": [call(tool, request="Rain"), "Done."] if tool else ["Done."]}
    name = {"a model that a tool asks": "", "compaction": "", "compaction by the lead's model": ""}
    return Scripted(script={**script, name.get(shape, "helper"): ["Wet."]})


async def held(app, folder, question="Rain?"):
    """Asks an app, which must not fail."""
    run = await run_conversation(app, of_questions([question]), file=folder / "log.jsonl")
    assert not run.turns[0].failed, run.turns[0].error
    return run


@pytest.mark.parametrize("shape", APPS)
async def test_no_other_model_is_asked(shape, tmp_path):
    model = script_of(shape)

    await held(override_models(APPS[shape](), model), tmp_path)

    assert not ASKED
    model.finish()  # so whoever ought to be asked was, by the given model
    run = measure_run(read_trace(tmp_path / "log.jsonl"), construct="as_is", conversation="rain")
    assert (run.controlled, run.model) == (True, "scripted")


@pytest.mark.parametrize("shape", APPS)
async def test_the_offline_model_needs_no_other(shape, tmp_path):
    await held(override_models(APPS[shape](), "offline"), tmp_path, "Please help me.")

    assert not ASKED


async def test_decisions_reach_an_agent_that_no_plugin_is_told_of(tmp_path):
    (tmp_path / "decisions.yaml").write_text(
        "decisions:\n"
        "  - agent: lead\n"
        "    steps: [{calls: [{name: helper, arguments: {request: Rain}}]}, {text: Done.}]\n"
        "  - {agent: helper, steps: [{text: Wet.}]}\n"
    )
    app, script = decided(with_tool(Team()), tmp_path / "decisions.yaml")

    await held(app, tmp_path)

    script.finish()
    assert not ASKED


async def test_a_pace_is_taken_everywhere(tmp_path):
    app, model = APPS["AgentTool without plugins"](), script_of("AgentTool without plugins")
    app = override_models(app, model)

    await held(override_models(app, latency=LatencyProfile("test", 0, 0)), tmp_path)

    model.finish()


async def test_conversations_held_at_once_keep_their_models(tmp_path):
    meeting = asyncio.Barrier(3)

    def app_that_waits():
        async def summarise(request: str) -> str:
            await meeting.wait()  # until all three are in the middle of their turns
            return " ".join(await run_by_itself(helper(), request))

        return with_tool(summarise)

    class Live(Paid):
        async def generate_content_async(self, llm_request, stream=False):
            ASKED.append("live")
            is_answered = llm_request.contents[-1].parts[0].function_response
            asking = types.Part(function_call=call("summarise", request="Rain"))
            part = types.Part(text="live") if is_answered else asking
            yield LlmResponse(content=types.Content(role="model", parts=[part]))

    scripted = []
    for words in ("Wet.", "Dry."):
        app = app_that_waits()
        asked = {"lead": [call("summarise", request="Rain"), words], "helper": [words]}
        model = Scripted(script=asked)
        scripted.append((override_models(app, model), model))
    live = app_that_waits()
    live.root_agent.model = Live()  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]

    apps = [*(app for app, _ in scripted), live]
    runs = await asyncio.gather(
        *(held(app, tmp_path / f"{number}") for number, app in enumerate(apps))
    )

    assert [run.turns[0].answer for run in runs] == ["Wet.", "Dry.", "live"]
    assert ASKED == ["live", "helper", "live"]
    for _, model in scripted:
        model.finish()


async def test_all_is_as_before_when_the_last_is_over(tmp_path):
    resolve, look_up = vars(LlmAgent)["canonical_model"], BaseLlm.__getattribute__
    environment = dict(os.environ)
    app = compacting(None)
    assert app.events_compaction_config is not None
    app = override_models(app, "offline")

    await held(app, tmp_path, "Hello?")

    assert vars(LlmAgent)["canonical_model"] is resolve
    assert BaseLlm.__getattribute__ is look_up
    assert dict(os.environ) == environment
    assert app.events_compaction_config.summarizer is None
    assert await run_by_itself(helper(), "Hello?") == ["paid"]


async def test_a_live_run_asks_as_ever(tmp_path):
    for given in (None, OWN):
        app = App(name="app", root_agent=lead(), plugins=[Judge()])
        if given:
            app = override_models(app, given)
        await held(app, tmp_path / str(given), "Hello?")

        assert ASKED == ["helper", "lead"]
        ASKED.clear()


def test_a_summarizer_counts_as_a_model_of_the_app():
    app = compacting(LlmEventSummarizer(llm=Paid()))
    assert isinstance(app.root_agent, LlmAgent)
    app.root_agent.model = "offline"

    assert models_of(app) == ["offline", OWN]
    assert not set(models_of(app)) <= KEYLESS_MODELS
    app = override_models(app, "offline")
    assert set(models_of(app)) <= KEYLESS_MODELS


def test_a_plugins_agent_counts_as_one_of_the_app():
    plugin = Judge()
    plugin.runner = InMemoryRunner(agent=helper(), app_name="own")  # pyright: ignore
    app = App(name="app", root_agent=lead(), plugins=[plugin])
    assert isinstance(app.root_agent, LlmAgent)
    app.root_agent.model = "offline"

    assert models_of(app) == ["offline", OWN]


HIDDEN = """
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import Client, types

class Paid(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        yield LlmResponse(content=types.ModelContent("paid"))

async def judged() -> str:
    \"\"\"Judges a poem.\"\"\"
    async for one in Paid(model="paid-model").generate_content_async(LlmRequest()):
        return one.content.parts[0].text

def drawn() -> str:
    \"\"\"Draws a picture.\"\"\"
    try:
        Client(api_key="none", http_options={"base_url": "http://127.0.0.1:9"}).models \
            .generate_content(model="painter", contents="a cat")
    except Exception:
        return "no picture"

root_agent = LlmAgent(name="Lead", model="offline", tools=[judged, drawn])
"""


PAST = "models that the app's own code asked, past its agents"


@pytest.fixture
def hiding(tmp_path):
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "agent.py").write_text(HIDDEN)
    return tmp_path / "hiding"


def test_a_model_that_no_log_shows_is_told(hiding, tmp_path):
    def told(*words):
        return run_command("run", hiding, *words, folder=tmp_path).stdout.partition(PAST)[2]

    assert told("Please judge a poem.").startswith(": paid-model")
    assert not told("Please judge a poem.", "--model", "offline")
    assert told("Please draw a picture.", "--model", "offline").startswith(": painter")


def test_a_comparison_that_asks_one_is_not_called_controlled(hiding, tmp_path):
    options = ("--constructs", "as_is", "--out", "out")
    asked = ("--question", "Please judge a poem.", *options)
    refused = run_command("compare", hiding, *asked, folder=tmp_path)
    assert refused.returncode == 2
    assert "as_is: paid-model was asked besides the agents" in refused.stderr

    made = run_command("compare", hiding, *asked, "--model", "offline", folder=tmp_path)
    assert made.returncode == 1  # the offline model judges no poem
    assert "outside" not in made.stderr

    asked = ("--question", "Please draw a picture.", *options[:2])
    made = run_command("compare", hiding, *asked, "--model", "offline", folder=tmp_path)
    assert f"{PAST}: painter" in made.stderr


def searching(model):
    poet = LlmAgent(name="poet", description="Writes poems about flowers.")
    return App(
        name="app",
        root_agent=LlmAgent(name="lead", model=model, tools=[google_search], sub_agents=[poet]),
    )


async def test_a_search_tool_beside_sub_agents_is_refused_as_by_the_agents_own_model(tmp_path):
    await held(override_models(searching("gemini-3-flash-preview"), "offline"), tmp_path)
    with pytest.raises(AssertionError, match=r"Gemini models before 3\.0"):
        await held(override_models(searching("gemini-2.5-flash"), "offline"), tmp_path / "older")


@pytest.mark.parametrize("model", [(), ("gemini-2.5-flash",)], ids=["2.8 to 2.11", "2.12 on"])
async def test_adks_check_of_search_tools_gets_what_its_release_gives_it(model, monkeypatch):
    given = []
    monkeypatch.setattr(_agent_transfer, CHECK, lambda *words: given.append(words))
    monkeypatch.setattr(vars(_agent_transfer)[CHECK], "__module__", _agent_transfer.__name__)
    agent = lead()

    with in_force(Override("offline")):
        vars(_agent_transfer)[CHECK](agent, *model)

    assert given == [(agent, OWN) if model else (agent,)]
