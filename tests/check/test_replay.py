"""A plan out of a log, played under the log's own wiring: the same calls, agents and answers."""

import asyncio
import random
from itertools import product
from typing import Any

import msgspec
import pytest
from google.adk.agents import BaseAgent, LlmAgent, ParallelAgent, SequentialAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.tools import FunctionTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.replay import replay_differences
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_models
from adk_flow.models.planned.from_log import plan_of
from adk_flow.models.scripted import Scripted, call
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation, read_conversation, write_conversation
from tests.doubles.app_cases import CASES, scripted
from tests.doubles.command import run_command
from tests.doubles.desk import CONSTRUCT_FOLDERS, ROOT
from tests.doubles.flow import record
from tests.doubles.somebody import NAMES, load, place
from tests.fuzz.books import Books, current
from tests.fuzz.dice import Dice
from tests.fuzz.trees import Grower

# What specialists in another process do stands in their logs, and not in the lead's.
FOLDERS = {p.parent for p in CONSTRUCT_FOLDERS.glob("*/agent.py")} - {CONSTRUCT_FOLDERS / "remote"}
DESKS = [ROOT / "root_agent", *sorted(FOLDERS)]
TALKS = ["three_in_one_message", "follow_up", "out_of_scope"]
SLOW = dict.fromkeys(TALKS[1:], pytest.mark.environments)  # for their time
HERE = [
    pytest.param(path, ROOT / "conversations" / f"{talk}.yaml", marks=SLOW.get(talk, ()))
    for path, talk in product(DESKS, TALKS)
] + [(p.parent, p.parent / "conversation.yaml") for p in (ROOT / "examples").glob("*/agent.py")]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")


async def replayed(app, log, folder):
    """Writes the plan of a log into a file, and plays that."""
    trace = read_trace(log)
    file = folder / "plan.yaml"
    file.write_text(write_conversation(plan_of(trace).conversation), encoding="utf-8")
    return await replay_differences(app, trace, read_conversation(file))


@pytest.mark.parametrize("name", NAMES)
async def test_the_log_of_somebodys_app_is_played_as_it_was(name, tmp_path):
    turns = [
        {"say": turn} if isinstance(turn, str) else {"answer": turn.value}
        for turn in CASES[name].turns
    ]
    app, log = load(place(name, tmp_path)), tmp_path / "log.jsonl"
    asked = msgspec.convert({"turns": turns}, Conversation)
    await run_conversation(override_models(app, scripted(name)), asked, file=log)

    assert await replayed(load(place(name, tmp_path / "again")), log, tmp_path) == []


@pytest.mark.parametrize(("path", "talk"), HERE)
async def test_the_log_of_an_app_of_this_house_is_played_as_it_was(path, talk, tmp_path):
    app, log = load_app(path), tmp_path / "log.jsonl"
    await run_conversation(app, read_conversation(talk), file=log)

    assert await replayed(app, log, tmp_path) == []


def hands_back(trace):
    """Whether an agent that was called hands over to its caller, which no plan does."""
    agents = [agent for turn in trace.turns for agent in turn.activations]
    return any(
        agent.cause == "transfer"
        and any(other.cause in ("single_turn", "task") for other in agent.parents())
        for agent in agents
    )


@pytest.mark.parametrize("seed", range(40))
async def test_the_log_of_a_random_tree_is_played_as_it_was(seed, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.fuzz.trees.asyncio.sleep", no_sleep)
    dice = random.Random(seed)
    root = Grower(dice, Dice(), [], pauses=False).tree()
    current.set(Books("", dice, decisions_left=4))
    flow = await record(root, ["Go."], tmp_path)
    if hands_back(flow.trace):
        pytest.skip("a called agent hands back to its caller")
    if flow.trace.turns[0].escalations and any(move.kind == "fork" for move in flow.moves):
        pytest.skip("what ran beside a branch that ends a loop got as far as its speed let it")

    app = App(name="app", root_agent=root)
    assert await replayed(app, flow.plugin.paths[0], tmp_path) == []


real_sleep = asyncio.sleep


async def no_sleep(seconds):
    await real_sleep(0)


def look_up(card: str) -> dict[str, str]:
    """Looks a card up."""
    return {"result": f"found {card}"}


def clerks(model):
    clerk = LlmAgent(name="Clerk", model=model, description="Finds.", tools=[look_up])
    judge = LlmAgent(name="Judge", model=model, description="Judges.")
    return LlmAgent(name="Lead", model=model, tools=[AgentTool(clerk), AgentTool(judge)])


async def test_a_tool_that_was_confirmed_is_replayed_and_not_run(tmp_path):
    def pay(amount: int) -> str:
        """Pays an amount."""
        return f"paid {amount}" if is_open else "must not be run"

    def bank(model):
        tool = FunctionTool(pay, require_confirmation=True)
        return App(name="app", root_agent=LlmAgent(name="Bank", model=model, tools=[tool]))

    is_open, log = True, tmp_path / "log.jsonl"
    model = Scripted(script={"Bank": [call("pay", amount=5), "Paid."]})
    await run_conversation(bank(model), ["pay 5", "yes"], file=log)
    is_open = False

    assert await replayed(bank("gemini-2.5-flash"), log, tmp_path) == []


class Clerk(BaseAgent):
    """An agent of code, which asks no model."""

    async def _run_async_impl(self, ctx):
        words = types.ModelContent("Stamped.")
        yield Event(author=self.name, invocation_id=ctx.invocation_id, content=words)


def pass_on(to: str, tool_context: ToolContext) -> str:
    """Hands over in its own code."""
    tool_context.actions.transfer_to_agent = to
    return "passed on"


def blocked(callback_context):
    return types.ModelContent("The desk is closed.")


class Stopping(Scripted):
    """Says that it stopped by itself, as real models do."""

    async def generate_content_async(self, llm_request, stream=False):
        async for response in super().generate_content_async(llm_request, stream):
            response.finish_reason = types.FinishReason.STOP
            yield response


CLERK: dict[str, Any] = {"name": "Clerk", "description": "Stamps."}
TO_CLERK, ASK_CLERK = call("transfer_to_agent", agent_name="Clerk"), call("Clerk", request="Do.")
SAID = "One moment."
UNUSUAL = {
    "an agent of code is handed over to": (
        lambda model: {"sub_agents": [Clerk(**CLERK)]},
        {"Lead": [[SAID, TO_CLERK]]},
    ),
    "an agent of code is a tool": (
        lambda model: {"tools": [AgentTool(Clerk(**CLERK)), look_up]},
        {"Lead": [call("look_up", card="A"), [SAID, ASK_CLERK], call("look_up", card="B"), "So."]},
    ),
    "an agent of code is a tool's tool": (
        lambda model: {
            "tools": [
                AgentTool(LlmAgent(name="Aide", model=model, tools=[AgentTool(Clerk(**CLERK))]))
            ]
        },
        {"Lead": [call("Aide", request="Do."), "So."], "Aide": [ASK_CLERK, "So."]},
    ),
    "a callback answers for an agent": (
        lambda model: {
            "sub_agents": [LlmAgent(**CLERK, model=model, before_agent_callback=blocked)]
        },
        {"Lead": [TO_CLERK]},
    ),
    "a callback answers for an agent that is a tool": (
        lambda model: {
            "tools": [AgentTool(LlmAgent(**CLERK, model=model, before_agent_callback=blocked))]
        },
        {"Lead": [ASK_CLERK, "So."]},
    ),
    "a tool hands over in its code": (
        lambda model: {"tools": [pass_on], "sub_agents": [LlmAgent(**CLERK, model=model)]},
        {"Lead": [[SAID, call("pass_on", to="Clerk")]], "Clerk": ["Stamped."]},
    ),
    "words go with the end of a task": (
        lambda model: {"sub_agents": [LlmAgent(**CLERK, model=model, mode="task")]},
        {"Lead": [[SAID, ASK_CLERK], "So."], "Clerk": [["Bye.", call("finish_task", result="x")]]},
    ),
    "stages are called twice at once": (
        lambda model: {
            "tools": [
                AgentTool(
                    ParallelAgent(
                        name="Both",
                        sub_agents=[LlmAgent(name=name, model=model) for name in ("Left", "Right")],
                    )
                )
            ]
        },
        {
            "Lead": [[call("Both", request="Do."), call("Both", request="Do.")], "So."],
            "Left": ["One.", "Two."],
            "Right": ["Uno.", "Due."],
        },
    ),
    "an answer is empty": (
        lambda model: {"tools": [look_up]},
        {"Lead": [call("look_up", card="A"), ""]},
    ),
}


@pytest.mark.parametrize("kind", UNUSUAL)
async def test_what_few_agents_do_is_played_too(kind, tmp_path):
    parts, script = UNUSUAL[kind]

    def desk(model):
        return App(name="app", root_agent=LlmAgent(name="Lead", model=model, **parts(model)))

    log = tmp_path / "log.jsonl"
    await run_conversation(desk(Stopping(script=script)), ["Stamp it."], file=log)

    plan = plan_of(read_trace(log)).conversation.turns[0].plan or []
    assert [task.agent for task in plan].count("Clerk") <= 1
    assert await replayed(desk("gemini-2.5-flash"), log, tmp_path) == []


async def test_a_function_that_there_is_not_is_left_out_and_told(tmp_path):
    script = {"Lead": [[SAID, call("stamp")], "So."]}
    log, root = tmp_path / "log.jsonl", LlmAgent(name="Lead", tools=[look_up])
    app = App(name="app", root_agent=root)
    await run_conversation(override_models(app, Scripted(script=script)), ["Stamp it."], file=log)
    trace = read_trace(log)

    planned = plan_of(trace)

    assert planned.notes == [
        "turn 1: Lead: stamp is left out: it was offered no function of that name"
    ]
    differences = await replay_differences(app, trace, planned.conversation)
    assert "turn 1: llm_calls: 2, played 1" in differences


async def test_what_tools_did_besides_returning_is_replayed(tmp_path):
    ran = []

    def note_rate(rate: float, tool_context: ToolContext) -> str:
        """Notes a rate for the writer."""
        ran.append("note_rate")
        tool_context.state["rate"] = rate
        return "noted"

    def publish(text: str) -> str:
        """Publishes a text."""
        ran.append("publish")
        raise PermissionError("the page is locked")

    def recover(tool, args, tool_context, error):
        return {"result": f"not published: {error}"}

    def press(model):
        clerk = LlmAgent(name="Clerk", model=model, tools=[note_rate])
        writer = LlmAgent(
            name="Writer",
            model=model,
            instruction="The rate is {rate}.",
            tools=[publish],
            on_tool_error_callback=recover,
        )
        root = SequentialAgent(name="Press", sub_agents=[clerk, writer])
        return App(name="app", root_agent=root)

    note = ["One moment.", call("note_rate", rate=4.5)]
    script = {"Clerk": [note, "Noted."], "Writer": [call("publish", text="4.5%"), "Later."]}
    log = tmp_path / "log.jsonl"
    await run_conversation(press(Scripted(script=script)), ["Publish the rate."], file=log)
    assert ran == ["note_rate", "publish"]
    ran.clear()

    assert await replayed(press("gemini-2.5-flash"), log, tmp_path) == []
    assert ran == []


CARD = "4444 3333 2222 1111"
SCRIPT = {
    "Lead": [call("Clerk", request="Which?"), call("Judge", request="Is it?"), "It is, by far."],
    "Clerk": [call("look_up", card=CARD), "I have it."],
    "Judge": ["It is good."],
}


async def recorded(folder, **options):
    model = Scripted(script=SCRIPT)
    flow = await record(clerks(model), ["Is it good?"], folder, model=model, **options)
    return flow.plugin.paths[0]


async def test_order_arguments_results_and_words_are_those_of_the_log(tmp_path):
    plan = plan_of(read_trace(await recorded(tmp_path, redact=False))).conversation

    assert msgspec.to_builtins(plan) == {
        "turns": [
            {
                "say": "Is it good?",
                "plan": [
                    {
                        "agent": "Lead",
                        "tools": [{"tasks": ["Clerk"]}, {"tasks": ["Judge"], "then": True}],
                        "says": "It is, by far.",
                    },
                    {
                        "agent": "Clerk",
                        "name": "Clerk",
                        "ask": "Which?",
                        "tools": [
                            {
                                "name": "look_up",
                                "args": {"card": CARD},
                                "returns": {"result": f"found {CARD}"},
                            }
                        ],
                        "says": "I have it.",
                    },
                    {
                        "agent": "Judge",
                        "name": "Judge",
                        "ask": {"request": "Is it?"},
                        "says": "It is good.",
                        "after": ["Clerk"],
                    },
                ],
            }
        ]
    }


async def test_masked_values_are_replayed_but_not_run(tmp_path):
    log = await recorded(tmp_path)
    trace = read_trace(log)
    app = App(name="app", root_agent=clerks("gemini-2.5-flash"))

    for run_tools, words in ((False, "is replayed"), (True, "is not run")):
        planned = plan_of(trace, run_tools=run_tools)
        assert planned.notes == [f"turn 1: Clerk: look_up {words}: its arguments are masked"]
        assert await replay_differences(app, trace, planned.conversation) == []


async def test_tools_are_run_where_that_is_asked_for(tmp_path):
    log = await recorded(tmp_path, redact=False)
    planned = plan_of(read_trace(log), run_tools=True)

    text = write_conversation(planned.conversation)

    assert "returns" not in text
    assert planned.notes == []


@pytest.mark.parametrize("capture", ["none", "preview"])
async def test_a_log_without_whole_texts_is_refused_in_one_line(capture, tmp_path):
    log = await recorded(tmp_path, capture=capture)

    with pytest.raises(AdkFlowError, match=f"keeps no whole texts.*{capture}.*capture='full'"):
        plan_of(read_trace(log))


async def test_what_the_plan_cannot_play_is_listed(tmp_path):
    log = await recorded(tmp_path)
    trace = read_trace(log)
    other = LlmAgent(name="Lead", model="gemini-2.5-flash", tools=[look_up])

    differences = await replay_differences(
        App(name="app", root_agent=other), trace, plan_of(trace).conversation
    )

    assert "turn 1: agent_calls: 2, played 0" in differences
    assert any("recorded: Lead -> Clerk (agent_tool)" in line for line in differences)


async def test_a_recorded_conversation_is_compared_under_all_constructs(tmp_path):
    log = await recorded(tmp_path, redact=False)
    app = App(name="app", root_agent=clerks("gemini-2.5-flash"))
    talk = {"talk": plan_of(read_trace(log)).conversation}

    compared = await asyncio.to_thread(compare, app, talk, folder=tmp_path / "out")

    calls = {figures.construct: figures.llm_calls for figures in compared.constructs}
    assert calls == {
        "as_is": 6,
        "single_agent": 2,
        "skills": 4,  # Clerk's skill, then Judge's
        "transfer": 4,  # Lead, Clerk twice, Judge
        "agent_tool": 6,  # as recorded: Lead thrice, Clerk twice, Judge
        "agent_tool_skip_summarization": 3,  # Clerk's answer ends the turn
        "mixed": 6,
        "single_turn": 6,
        "task": 6,
        "workflow_tool": 8,  # both run twice, as Judge cannot be asked yet
        "router": 3,
        "classifier_router": 2,
        "router_many": 4,
        "coordinator": 4,  # it dispatches once, when Judge cannot be asked yet
        "sequential": 3,
        "parallel": 3,
        "loop": 6,
        "best_of_n": 7,
    }
    lacking = {run.construct for run in compared.runs if not run.passed}
    at_once = {"router", "classifier_router", "router_many", "coordinator", "parallel"}
    assert lacking == {"agent_tool_skip_summarization", *at_once}


def test_the_command_prints_a_plan_that_runs(tmp_path):
    app, log = load(place("newsroom", tmp_path)), tmp_path / "log.jsonl"
    asyncio.run(run_conversation(override_models(app, scripted("newsroom")), ["News?"], file=log))

    taken = run_command("plan", "newsroom", "--from", log, folder=tmp_path)
    (tmp_path / "plan.yaml").write_text(taken.stdout)
    played = run_command("run", "newsroom", "--conversation", "plan.yaml", folder=tmp_path)

    assert (taken.returncode, taken.stderr, played.returncode) == (0, "", 0)
    assert '"" editor to user: All.' in played.stdout


def test_a_plan_is_of_a_question_or_of_a_log(tmp_path):
    refused = run_command("plan", place("shop", tmp_path).name, folder=tmp_path)

    assert refused.returncode == 2
    assert refused.stderr == "adk-flow: give --question TEXT, or --from LOG and no question\n"


def test_a_log_of_another_app_is_refused_in_one_line(tmp_path):
    log = asyncio.run(recorded(tmp_path))

    refused = run_command("plan", place("shop", tmp_path).name, "--from", log, folder=tmp_path)

    assert refused.returncode == 2
    assert "is of an app with other agents (Lead, Clerk, Judge)" in refused.stderr
    assert refused.stdout == ""


def test_conversation_of_a_plan_is_what_its_file_says(tmp_path):
    data = {"turns": [{"say": "x", "plan": [{"agent": "A", "tools": [{"tasks": []}]}]}]}
    file = tmp_path / "plan.yaml"
    file.write_text(write_conversation(msgspec.convert(data, Conversation)))

    with pytest.raises(AdkFlowError, match="expected each to have either a name or tasks"):
        read_conversation(file)
