"""Given a conversation under a construct, these moves of control and of conversation."""

from typing import Any

from google.adk.agents import LoopAgent, ParallelAgent, SequentialAgent
from google.adk.apps import App
from google.adk.events import RequestInput
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import ToolContext
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import JoinNode, Workflow
from google.genai import types

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.flow import agent, expected, record


async def test_root_hands_over_to_a_sub_agent_which_keeps_the_next_turn(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["Save.", "Save more."]})
    root = agent("Root", model, sub_agents=[agent("Savings", model)])

    flow = await record(root, ["How?", "And then?"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "How?"
        Root => Savings
        Savings reply user "Save."
        end Savings to user

        start user to Savings
        user say Savings "And then?"
        Savings reply user "Save more."
        end Savings to user
    """)


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


async def test_an_agent_tool_is_asked_and_answers_its_caller(tmp_path):
    model = Scripted(script={"Root": [call("Loans", request="How dear?"), "5%."], "Loans": ["5"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])

    flow = await record(root, ["What does it cost?"], tmp_path, model=model)

    assert flow.picture == expected("""
        start user to Root
        user say Root "What does it cost?"
        Root -> Loans (agent_tool)
        Root ask Loans "How dear?"
        Loans answer Root "5"
        Root <- Loans
        Root reply user "5%."
        end Root to user
    """)


async def test_with_skip_summarization_the_callers_words_are_the_tools(tmp_path):
    model = Scripted(script={"Root": [call("Loans", request="How dear?")], "Loans": ["5"]})
    tool = AgentTool(agent("Loans", model), skip_summarization=True)

    flow = await record(agent("Root", model, tools=[tool]), ["Cost?"], tmp_path, model=model)

    assert draw_snapshot(flow.moves[-3:]) == expected("""
        Root <- Loans
        Root reply user "5"
        end Root to user
    """)


async def test_two_agent_tools_in_one_model_turn_fork_and_join(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    model = Scripted(script={"Root": [both, "ab"], "Loans": ["A"], "Funds": ["B"]})
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", model))]

    flow = await record(agent("Root", model, tools=tools), ["Both?"], tmp_path, model=model)

    lines = flow.picture
    assert lines[2] == "Root -< Loans, Funds"
    assert lines[-3:] == ["Root >-", 'Root reply user "ab"', "end Root to user"]
    for name, asked, said in (("Loans", "a", "A"), ("Funds", "b", "B")):
        own = [line for line in lines[3:-3] if name in line]
        assert own == [
            f"Root -> {name} (agent_tool)",
            f'Root ask {name} "{asked}"',
            f'{name} answer Root "{said}"',
            f"Root <- {name}",
        ]


async def test_the_same_agent_called_twice_at_once_is_two_frames(tmp_path):
    both = [call("Loans", request="a"), call("Loans", request="b")]
    model = Scripted(script={"Root": [both, "ab"], "Loans": ["one", "two"]})

    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    flow = await record(root, ["Both?"], tmp_path, model=model)

    asks = {move.call: move.activation for move in flow.moves if move.kind == "ask"}
    answers = {move.call: move.activation for move in flow.moves if move.kind == "answer"}
    assert len(set(asks.values())) == 2
    assert asks == answers


async def test_an_agent_tool_inside_an_agent_tool(tmp_path):
    model = Scripted(
        script={
            "Root": [call("Desk", request="x"), "end"],
            "Desk": [call("Clerk", request="y"), "desk"],
            "Clerk": ["clerk"],
        }
    )
    desk = agent("Desk", model, tools=[AgentTool(agent("Clerk", model))])

    flow = await record(agent("Root", model, tools=[AgentTool(desk)]), ["?"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Root
        Root -> Desk (agent_tool)
        Desk -> Clerk (agent_tool)
        Desk <- Clerk
        Root <- Desk
        end Root to user
    """)


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


async def test_a_task_agent_talks_with_the_user_until_it_finishes(tmp_path):
    model = Scripted(
        script={
            "Root": [call("Forms", request="fill"), "Done."],
            "Forms": ["Your name?", call("finish_task", result="Ann")],
        }
    )
    root = agent("Root", model, sub_agents=[agent("Forms", model, mode="task")])

    flow = await record(root, ["A form, please.", "Ann"], tmp_path, model=model)

    assert draw_snapshot([move for move in flow.moves if move.text != ""]) == expected("""
        user say Root "A form, please."
        Root ask Forms "fill"
        Forms reply user "Your name?"

        user say Forms "Ann"
        Forms answer Root "Ann"
        Root reply user "Done."
    """)
    assert flow.control == expected("""
        start user to Root
        Root -> Forms (task)
        end Forms to user

        start user to Forms
        Root <- Forms
        end Root to user
    """)
    assert [move.text for move in flow.moves if move.kind == "answer"] == ["Ann"]


async def test_a_workflow_calls_its_nodes(tmp_path):
    model = Scripted(script={"Plan": ["p"], "Left": ["l"], "Right": ["r"], "Merge": ["m"]})
    plan, left, right, merge = (agent(name, model) for name in model.script)
    join = JoinNode(name="Join")
    edges = [("START", plan), (plan, (left, right)), ((left, right), join), (join, merge)]

    flow = await record(Workflow(name="Graph", edges=edges), ["Go"], tmp_path, model=model)

    lines = flow.picture
    assert lines[:6] == [
        "start user to Graph",
        'user say Graph "Go"',
        "Graph -> Plan (node)",
        'Plan reply user "p"',
        'Plan answer Graph "p"',
        "Graph <- Plan",
    ]
    assert {"Graph -> Left (node)", "Graph -> Right (node)"} < set(lines)
    assert lines[-5:] == [
        "Graph -> Merge (node)",
        'Merge reply user "m"',
        'Merge answer Graph "m"',
        "Graph <- Merge",
        "end Graph to user",
    ]


async def test_a_transfer_below_a_sequential_agent_comes_back_to_it(tmp_path):
    model = Scripted(script={"First": [transfer("Deep")], "Deep": ["d"], "Second": ["s"]})
    first = agent("First", model, sub_agents=[agent("Deep", model)])
    root = SequentialAgent(name="Steps", sub_agents=[first, agent("Second", model)])

    flow = await record(root, ["Go"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Steps
        Steps -> First (node)
        First => Deep
        Steps <- Deep
        Steps -> Second (node)
        Steps <- Second
        end Steps to user
    """)


async def test_parallel_and_loop_agents_call_their_children(tmp_path):
    model = Scripted(script={"A": ["a1", "a2"], "B": ["b1", "b2"]})
    pair = ParallelAgent(name="Pair", sub_agents=[agent("A", model), agent("B", model)])
    root = LoopAgent(name="Loop", sub_agents=[pair], max_iterations=2)

    flow = await record(root, ["Go"], tmp_path, model=model)

    lines = flow.control
    assert lines.count("Loop -> Pair (node)") == lines.count("Loop <- Pair") == 2
    assert lines.count("Pair -> A (node)") == lines.count("Pair <- B") == 2


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


class Catch(BasePlugin):
    """Turns a tool's error into its result."""

    async def on_tool_error_callback(self, **_):
        return {"error": "try later"}


async def test_an_error_that_becomes_a_result_is_one_failed_return(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    model = Scripted(
        script={"Root": [both, "sorry"], "Loans": [RuntimeError("429")], "Funds": ["B"]}
    )
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", model))]

    flow = await record(
        agent("Root", model, tools=tools), ["?"], tmp_path, plugins=[Catch(name="catch")]
    )

    returns = [line for line in flow.control if "<-" in line]
    assert sorted(returns) == ["Root <- Funds", "Root <- Loans FAILED"]
    assert flow.control[-2:] == ["Root >-", "end Root to user"]
    [failed] = [call for call in flow.trace.turns[0].tool_runs if call.name == "Loans"]
    assert "429" in failed.error


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
