"""What `inspect` warns of, each beside an app that ADK runs otherwise than its owner may think."""

import pytest
from google.adk.agents import LlmAgent, LoopAgent, SequentialAgent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig, ResumabilityConfig
from google.adk.planners import BuiltInPlanner
from google.adk.tools import FunctionTool, exit_loop
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from pydantic import BaseModel

from adk_flow.inspect.static import inspect_app
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.render.inspection import agents_to_text
from tests.doubles.flow import record

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def agent(name, **options):
    return LlmAgent(name=name, description=f"{name} helps.", model="gemini-2.5-flash", **options)


def remarks_of(root, **options):
    picture = inspect_app(App(name="app", root_agent=root, **options))
    return {one.kind: one.text for one in picture.remarks if one.kind != "deprecated"}


def pay(amount: int) -> int:
    """Pays."""
    return amount


PAYER = {"tools": [FunctionTool(pay, require_confirmation=True)]}


def test_a_loop_without_limit_or_exit():
    assert "endless_loop" in remarks_of(LoopAgent(name="again", sub_agents=[agent("a")]))
    assert not remarks_of(LoopAgent(name="twice", max_iterations=2, sub_agents=[agent("a")]))


def test_a_loop_that_something_below_can_end():
    def enough(tool_context):
        """Ends the loop."""
        tool_context.actions.escalate = True

    def check(callback_context):
        callback_context._event_actions.escalate = True

    for ending in ({"tools": [exit_loop]}, {"tools": [enough]}, {"after_agent_callback": check}):
        assert not remarks_of(LoopAgent(name="until", sub_agents=[agent("a", **ending)]))


def test_a_state_key_that_nobody_writes():
    spa = agent("spa", output_key="spas")
    guest = agent("guest", instruction="Guest has {spa} in {room}. Name: {user:name?}")

    root = SequentialAgent(name="s", sub_agents=[spa, guest])
    picture = inspect_app(App(name="app", root_agent=root))

    texts = [one.text for one in picture.remarks if one.kind == "unwritten_state"]
    start = "guest reads state that no output_key and no code of an agent names"
    unless = "unless the session begins with it or other code writes it"
    assert texts == [
        f"{start}: spa, room; {unless}, it fails",
        f"{start}: user:name; {unless}, it reads nothing",
    ]


def test_a_state_key_that_an_agent_or_code_writes():
    def note(tool_context) -> str:
        """Notes."""
        tool_context.state["topic"] = "x"
        return ""

    writer = agent("writer", output_key="draft", tools=[note])
    reader = agent("reader", instruction="{draft} on {topic}, as {{json}} and {not a key}")
    root = SequentialAgent(name="s", sub_agents=[writer, reader])

    picture = inspect_app(App(name="app", root_agent=root))
    texts = [one.text for one in picture.remarks if one.kind == "unwritten_state"]
    read = ["draft (output_key of writer)", "topic (in code of writer)", "json"]
    assert picture.members[-1].settings["reads state"] == read
    assert [text.partition(";")[0].rpartition(": ")[2] for text in texts] == ["json"]


async def test_a_task_below_an_agent_that_was_handed_the_turn(tmp_path):
    def tree(model):
        task = LlmAgent(name="Task", description="Books.", mode="task", model=model)
        middle = LlmAgent(name="Middle", description="Plans.", sub_agents=[task], model=model)
        return LlmAgent(name="Root", sub_agents=[middle], model=model)

    assert "Middle fails when it delegates to Task" in remarks_of(tree("gemini-2.5-flash"))["fails"]

    script = {"Root": [transfer("Middle")], "Middle": [call("Task", request="x")], "Task": []}
    flow = await record(tree(Scripted(script=script)), ["Book."], tmp_path)
    assert "rerun_on_resume" in str(flow.errors[0])


@pytest.mark.parametrize(
    "root",
    [
        SequentialAgent(name="s", sub_agents=[agent("payer", **PAYER)]),
        agent("lead", tools=[AgentTool(agent("payer", **PAYER))]),
    ],
    ids=["sequential", "agent_tool"],
)
def test_a_confirmation_that_does_not_come_back(root):
    assert "pay of payer waits for the user" in remarks_of(root)["confirmation_lost"]
    resumable = ResumabilityConfig(is_resumable=True)
    assert "confirmation_lost" not in remarks_of(root.model_copy(), resumability_config=resumable)


def test_a_confirmation_of_an_agent_that_was_handed_the_turn_comes_back():
    assert not remarks_of(agent("lead", sub_agents=[agent("payer", **PAYER)]))


def test_what_is_set_of_an_agent_is_told():
    class Answer(BaseModel):
        text: str

    def guard(callback_context):
        """Guards."""

    root = agent(
        "root",
        before_agent_callback=guard,
        after_model_callback=[lambda **_: None],
        planner=BuiltInPlanner(thinking_config=types.ThinkingConfig()),
        output_schema=Answer,
        output_key="answer",
        include_contents="none",
        instruction="{topic}",
        **PAYER,
    )
    compaction = EventsCompactionConfig(compaction_interval=3, overlap_size=1)

    picture = inspect_app(App(name="app", root_agent=root, events_compaction_config=compaction))

    assert picture.members[0].settings == {
        "before_agent_callback": ["guard"],
        "after_model_callback": ["<lambda>"],
        "planner": ["BuiltInPlanner"],
        "output_schema": ["Answer"],
        "output_key": ["answer"],
        "include_contents": ["none"],
        "require_confirmation": ["pay"],
        "reads state": ["topic"],
    }
    text = agents_to_text(picture, 80)
    assert "session summed up: every 3 turns, 1 of them again" in text
    assert "    before_agent_callback: guard\n" in text


async def test_who_gets_the_next_message_is_whom_adk_asks(tmp_path):
    kept = agent("kept")
    closed = agent("closed", disallow_transfer_to_parent=True)
    root = agent("root", sub_agents=[kept, closed])
    picture = inspect_app(App(name="app", root_agent=root))
    assert picture.next_after == {"root": "root", "kept": "kept", "closed": "root"}

    for target, following in (("kept", "kept"), ("closed", "root")):
        model = Scripted(script={"root": [transfer(target), "r"], target: ["one", "two"]})
        kept = LlmAgent(name="kept", model=model)
        closed = LlmAgent(name="closed", model=model, disallow_transfer_to_parent=True)
        root = LlmAgent(name="root", model=model, sub_agents=[kept, closed])
        flow = await record(root, ["a", "b"], tmp_path / target)
        asked = [entry.agent for entry in flow.log.records if entry.hook == "before_model"]
        assert asked[-1] == following


async def test_a_summary_that_no_model_can_write(tmp_path):
    often = EventsCompactionConfig(compaction_interval=1, overlap_size=0)
    stage = LlmAgent(name="One", model=Scripted(script={"One": ["a"]}))
    root = SequentialAgent(name="All", sub_agents=[stage])

    assert remarks_of(root, events_compaction_config=often) == {
        "fails": "ADK fails to sum the session up: All has no model to do it by, and no summarizer "
        "is set"
    }
    flow = await record(root, ["Go."], tmp_path, events_compaction_config=often)
    assert [type(error) for error in flow.errors] == [ValueError]


def test_when_the_session_is_summed_up():
    long = EventsCompactionConfig(token_threshold=9000, event_retention_size=5)

    picture = inspect_app(App(name="app", root_agent=agent("A"), events_compaction_config=long))

    assert picture.compaction == "above 9000 tokens, but for the latest 5 events"
