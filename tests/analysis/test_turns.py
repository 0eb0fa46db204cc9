"""Where a turn begins and ends, whatever plugins, callers and callbacks do at its edges."""

import asyncio
from typing import Any, ClassVar

import pytest
from google.adk.agents import BaseAgent, SequentialAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import read_trace, read_turns
from adk_flow.check.flow import Flow
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.flow import agent, expected, record
from tests.doubles.models import asking_again


def look(q: str) -> str:
    """Looks something up."""
    return q


class FailsAtTheEnd(BasePlugin):
    """Fails in `after_run`, as a plugin does whose metrics server is away."""

    async def after_run_callback(self, **_):
        raise RuntimeError("away")


@pytest.mark.parametrize("place", ["before", "plugins"])
async def test_what_a_plugin_fails_with_after_a_run_is_that_turns_failure(tmp_path, place):
    root = agent("Root", Scripted(script={"Root": ["one", "two"]}))

    flow = await record(root, ["a", "b"], tmp_path, **{place: [FailsAtTheEnd(name="fails")]})

    failed = [(turn.question, turn.failed, turn.finals[0].text) for turn in flow.trace.turns]
    assert failed == [("a", True, "one"), ("b", True, "two")]
    assert [(m.kind, m.failed) for m in flow.moves if m.is_control] == [
        *(("start", False), ("end", True)) * 2
    ]
    assert [turn.failed for turn in read_turns(flow.log.records)] == [True, True]


async def test_a_called_run_whose_end_fails_is_one_failed_return(tmp_path):
    model = Scripted(script={"Root": [call("Kid", request="q")], "Kid": ["k"]})
    root = agent("Root", model, tools=[AgentTool(agent("Kid", model))])

    flow = await record(root, ["a"], tmp_path, plugins=[FailsAtTheEnd(name="fails")])

    assert [turn.question for turn in flow.trace.turns] == ["a"]
    assert [line.partition(":")[0] for line in flow.control][1:3] == [
        "Root -> Kid (agent_tool)",
        "Root <- Kid FAILED",
    ]


class Background(BasePlugin):
    """Lets an agent of the app's go on once its run has ended, as in a service."""

    tasks: ClassVar[list[asyncio.Task[None]]] = []

    async def after_run_callback(self, **_):
        await asyncio.wait([self.tasks.pop()])


class Dispatching(BaseAgent):
    """Starts its agent and does not wait for it."""

    async def _run_async_impl(self, ctx):
        async def run():
            async for _ in self.sub_agents[0].run_async(ctx):
                pass

        Background.tasks.append(asyncio.create_task(run()))
        yield Event(author=self.name, content=types.ModelContent("Started."))


async def test_what_goes_on_after_its_run_is_of_that_turn(tmp_path):
    busy = RuntimeError("busy")
    script = {"Mail": [call("look", q="x"), busy, "Sent.", busy, busy]}
    model = asking_again(Scripted)(script=script)
    root = Dispatching(name="Root", sub_agents=[agent("Mail", model, tools=[look])])

    flow = await record(root, ["a", "b"], tmp_path, plugins=[Background("background")], model=model)

    told = [(turn.question, turn.answer, turn.llm_calls, turn.tools) for turn in flow.figures]
    assert told == [("a", "Started.", 3, {"look": 1}), ("b", "Started.", 2, {})]
    assert [turn.failed for turn in flow.figures] == [False, False]


async def test_a_message_after_a_cancelled_task_turn_opens_a_turn_of_its_own(tmp_path):
    """ADK goes on with the task under the same invocation id, beside what is left of the turn."""
    done = call("finish_task", result="Monday")
    script = {"Root": [call("Clerk", request="book"), "Booked."], "Clerk": ["When?", "Sure?", done]}
    model = Scripted(script=script)
    root = agent("Root", model, sub_agents=[agent("Clerk", model, mode="task")])
    plugin = FlowPlugin(directory=tmp_path)
    runner = InMemoryRunner(app=App(name="app", root_agent=root, plugins=[plugin]))
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    place: Any = {"user_id": "u", "session_id": "s"}
    asked = asyncio.Event()

    async def say(words, *, cancelled=False):
        async for event in runner.run_async(**place, new_message=types.UserContent(words)):
            if cancelled and event.author == "Clerk":
                asked.set()
                await asyncio.Event().wait()

    turn = asyncio.create_task(say("a", cancelled=True))
    await asked.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await say("Monday")
    await say("Yes")
    await runner.close()
    model.finish()

    flow = Flow(read_trace(plugin.paths[0]))
    ids = [one.invocation for one in flow.trace.turns]
    assert ids[0] == ids[1] == ids[2]
    assert flow.picture == expected("""
        start user to Root
        user say Root "a"
        Root -> Clerk (task)
        Root ask Clerk "book"
        Clerk reply user "When?"
        end Clerk to user

        start user to Clerk
        user say Clerk "Monday"
        Clerk reply user "Sure?"
        end Clerk to user

        start user to Clerk
        user say Clerk "Yes"
        Clerk answer Root "Monday"
        Root <- Clerk
        Root reply user "Booked."
        end Root to user
    """)
    assert [len(one.asked_models) for one in flow.trace.turns] == [2, 1, 2]


async def test_a_transfer_that_an_after_agent_callback_sets_is_a_transfer(tmp_path):
    def hand_over(callback_context):
        callback_context.actions.transfer_to_agent = "Peer"
        return types.ModelContent("Over to Peer.")

    model = Scripted(script={"Root": ["Hm."], "Peer": ["I know.", "Still."]})
    root = agent("Root", model, sub_agents=[agent("Peer", model)], after_agent_callback=hand_over)

    flow = await record(root, ["a", "b"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "a"
        Root reply user "Hm."
        Root reply user "Over to Peer."
        Root => Peer
        Peer reply user "I know."
        end Peer to user

        start user to Peer
        user say Peer "b"
        Peer reply user "Still."
        end Peer to user
    """)
    assert not detect_findings(flow.trace)
    assert flow.trace.turns[0].activations[1].cause == "transfer"


async def test_below_a_sequence_words_beside_a_transfer_are_kept(
    tmp_path,
):
    both = ["I pass you on.", call("transfer_to_agent", agent_name="Peer")]
    model = Scripted(script={"First": [both], "Peer": ["p"], "Second": ["s"]})
    first = agent("First", model, sub_agents=[agent("Peer", model)])
    root = SequentialAgent(name="Stages", sub_agents=[first, agent("Second", model)])

    flow = await record(root, ["a"], tmp_path, model=model)

    replies = [f"{move.source}: {move.text}" for move in flow.moves if move.kind == "reply"]
    assert replies == ["First: I pass you on.", "Peer: p", "Second: s"]
    assert flow.control == expected("""
        start user to Stages
        Stages -> First (node)
        First => Peer
        Stages <- Peer
        Stages -> Second (node)
        Stages <- Second
        end Stages to user
    """)
