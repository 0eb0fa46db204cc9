"""Moves of control and of conversation in cases that no construct and no app shows.

Those of the constructs stand in tests/wiring/test_moves.py, of apps in tests/doubles/app_cases.py.
"""

import asyncio
from typing import Any

from google.adk.agents import SequentialAgent
from google.adk.apps import App
from google.adk.events import RequestInput
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow
from google.genai import types

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.flow import agent, expected, record


async def test_a_sub_agent_hands_over_to_its_peer_and_back_to_the_root(tmp_path):
    model = Scripted(
        script={
            "Root": [transfer("Savings"), "Which?"],
            "Savings": ["Save.", transfer("Pensions")],
            "Pensions": ["Wait.", transfer("Root")],
        }
    )
    root = agent("Root", model, sub_agents=[agent("Savings", model), agent("Pensions", model)])

    flow = await record(root, ["a", "b", "c"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Root
        Root => Savings
        end Savings to user

        start user to Savings
        Savings => Pensions
        end Pensions to user

        start user to Pensions
        Pensions => Root
        end Root to user
    """)


async def test_the_same_agent_called_twice_at_once_is_two_frames(tmp_path):
    both = [call("Loans", request="a"), call("Loans", request="b")]
    model = Scripted(script={"Root": [both, "ab"], "Loans": ["one", "two"]})

    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    flow = await record(root, ["Both?"], tmp_path, model=model)

    asks = {move.call: move.activation for move in flow.moves if move.kind == "ask"}
    answers = {move.call: move.activation for move in flow.moves if move.kind == "answer"}
    assert len(set(asks.values())) == 2
    assert asks == answers


async def test_a_transfer_inside_an_agent_tool_returns_from_whoever_ran_last(tmp_path):
    model = Scripted(
        script={
            "Root": [call("Desk", request="x"), "end"],
            "Desk": [transfer("Clerk")],
            "Clerk": ["clerk"],
        }
    )
    desk = agent("Desk", model, sub_agents=[agent("Clerk", model)])

    flow = await record(agent("Root", model, tools=[AgentTool(desk)]), ["?"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "?"
        Root -> Desk (agent_tool)
        Root ask Desk "x"
        Desk => Clerk
        Clerk answer Root "clerk"
        Root <- Clerk
        Root reply user "end"
        end Root to user
    """)


async def test_single_turn_sub_agents_are_called_side_by_side(tmp_path):
    both = [call("Loans", request="a"), call("Loans", request="b")]
    model = Scripted(script={"Root": [both, "ab"], "Loans": ["one", "two"]})
    root = agent("Root", model, sub_agents=[agent("Loans", model, mode="single_turn")])

    flow = await record(root, ["Both?"], tmp_path, model=model)

    kinds = [move.kind for move in flow.moves]
    assert kinds[:3] == ["start", "say", "fork"]
    assert sorted(kinds[3:-3]) == sorted(["call", "ask", "reply", "answer", "return"] * 2)
    assert kinds[-3:] == ["join", "reply", "end"]
    assert {move.cause for move in flow.moves if move.kind == "call"} == {"single_turn"}


async def test_a_transfer_to_nobody_ends_the_turn_as_failed(tmp_path):
    model = Scripted(script={"Root": [transfer("Nobody"), "Hello."]})
    root = agent("Root", model, sub_agents=[agent("Savings", model)])

    flow = await record(root, ["a", "b"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "a"
        end Root to user FAILED

        start user to Root
        user say Root "b"
        Root reply user "Hello."
        end Root to user
    """)
    assert "Nobody" in flow.moves[2].text


async def test_a_failing_agent_tool_fails_its_caller_and_cancels_its_sibling(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    model = Scripted(script={"Root": [both], "Loans": [RuntimeError("no")], "Funds": ["B"]})
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", model))]

    flow = await record(agent("Root", model, tools=tools), ["Both?"], tmp_path)

    lines = flow.control
    assert "Root <- Loans FAILED" in lines
    assert lines[-2:] == ["Root >-", "end Root to user FAILED"]


async def test_an_agent_that_a_plain_function_runs_is_called_and_returns(tmp_path):
    model = Scripted(script={"Root": [call("consult"), "r"], "Inner": ["i"]})
    inner = agent("Inner", model)

    async def consult(tool_context: ToolContext) -> dict:
        """Consults another agent on a Runner of its own."""
        plugins = tool_context._invocation_context.plugin_manager.plugins
        app = App(name="inner", root_agent=inner, plugins=plugins)
        runner = Runner(app=app, session_service=InMemorySessionService())
        await runner.session_service.create_session(app_name="inner", user_id="u", session_id="i")
        async for _ in runner.run_async(
            user_id="u", session_id="i", new_message=types.UserContent("Well?")
        ):
            pass
        return {"result": "consulted"}

    flow = await record(agent("Root", model, tools=[consult]), ["?"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "?"
        Root -> Inner (agent_tool)
        Root ask Inner "Well?"
        Inner answer Root "consulted"
        Root <- Inner
        Root reply user "r"
        end Root to user
    """)


async def test_an_agent_that_functions_run_in_their_callers_context_is_theirs(tmp_path):
    both = asyncio.Barrier(2)

    async def meet(callback_context, llm_request):
        await both.wait()

    async def ask(q: str, tool_context: ToolContext) -> str:
        """Asks the aide."""
        events = [event async for event in aide.run_async(tool_context._invocation_context)]
        return str(len(events))

    model = Scripted(
        script={"Root": [[call("ask", q="a"), call("ask", q="b")], "Done."], "Aide": ["x", "y"]}
    )
    aide = agent("Aide", model, before_model_callback=meet)
    root = agent("Root", model, tools=[ask])

    flow = await record(root, ["?"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Root
        Root -> Aide (agent_tool)
        Root -> Aide (agent_tool)
        Root <- Aide
        Root <- Aide
        end Root to user
    """)
    assert flow.figures[0].agents["Aide"].llm_calls == 2


async def test_a_graph_of_functions_speaks_for_itself(tmp_path):
    def greets(node_input):
        yield Event(content=types.ModelContent("Good morning."))
        yield Event(content=types.ModelContent("What can I do?"))

    def asks(node_input):
        return RequestInput(message="May I?", response_schema=None)

    graph = Workflow(name="graph", edges=[("START", greets, asks)])

    flow = await record(graph, ["Hi"], tmp_path)

    assert flow.picture == expected("""
        start user to graph
        user say graph "Hi"
        graph -> greets (node)
        graph reply user "Good morning."
        graph <- greets
        graph reply user "What can I do?"
        graph -> asks (node)
        graph reply user "waits for adk_request_input: May I?"
        end graph to user
    """)


async def test_a_turn_that_fails_before_any_agent_is_told(tmp_path):
    def fails(node_input):
        raise ValueError("no amount")

    class Barring(BasePlugin):
        async def on_user_message_callback(self, *, invocation_context, user_message):
            raise ValueError("barred")

    graph = Workflow(name="graph", edges=[("START", fails)])
    root = agent("Root", Scripted(script={}))

    failed = await record(graph, ["500"], tmp_path)
    barred = await record(root, ["500"], tmp_path, plugins=[Barring("barring")])

    assert failed.picture == expected("""
        start user to graph
        user say graph "500"
        graph -> fails (node)
        graph <- fails FAILED
        end graph to user FAILED
    """)
    assert [move.kind for move in barred.moves] == ["start", "say", "end"]
    assert "barred" in barred.moves[-1].text
    assert [turn.active_agent for turn in measure(barred.trace)] == ["Root"]


async def test_an_agent_whose_callback_answers_before_it_answered_and_returned(tmp_path):
    model = Scripted(script={"Beta": ["beta"]})
    guarded = agent("Alpha", model, before_agent_callback=lambda **_: types.ModelContent("blocked"))
    root = SequentialAgent(name="Root", sub_agents=[guarded, agent("Beta", model)])

    flow = await record(root, ["go"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "go"
        Root -> Alpha (node)
        Alpha reply user "blocked"
        Alpha answer Root "blocked"
        Root <- Alpha
        Root -> Beta (node)
        Beta reply user "beta"
        Beta answer Root "beta"
        Root <- Beta
        end Root to user
    """)


async def test_words_of_a_callback_after_an_agent_are_the_agents(tmp_path):
    model = Scripted(script={"Root": ["raw"]})
    root = agent("Root", model, after_agent_callback=lambda **_: types.ModelContent("checked"))

    flow = await record(root, ["go"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "go"
        Root reply user "raw"
        Root reply user "checked"
        end Root to user
    """)


async def test_a_workflow_agent_called_as_a_tool_returns_and_not_its_last_stage(tmp_path):
    model = Scripted(script={"Root": [call("Team", request="q"), "r"], "A": ["a"], "B": ["b"]})
    team = SequentialAgent(
        name="Team", description="Works.", sub_agents=[agent("A", model), agent("B", model)]
    )

    flow = await record(agent("Root", model, tools=[AgentTool(team)]), ["?"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Root
        Root -> Team (agent_tool)
        Team -> A (node)
        Team <- A
        Team -> B (node)
        Team <- B
        Root <- Team
        end Root to user
    """)


async def test_turns_of_a_caller_that_stops_listening_are_each_told_once(tmp_path):
    model = Scripted(script={"Root": ["one", "two"]})
    plugin = FlowPlugin(directory=tmp_path)
    runner = Runner(
        app=App(name="app", root_agent=agent("Root", model), plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    left: list[Any] = []
    for question in ("a", "b"):
        message = types.UserContent(question)
        left.append(runner.run_async(user_id="u", session_id="s", new_message=message))
        async for event in left[-1]:
            if event.is_final_response():
                break
    for events in left:
        await events.aclose()
    await runner.close()

    trace = read_trace(plugin.paths[0])

    told = [(turn.question, [message.text for message in turn.messages]) for turn in trace.turns]
    assert told == [("a", ["one"]), ("b", ["two"])]
    assert all(turn.complete for turn in trace.turns)
