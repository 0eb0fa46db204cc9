"""Plans played under every construct and in nested apps, without a reader of English."""

import asyncio
import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from google.adk.agents import LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.agents.run_config import RunConfig, ToolThreadPoolConfig
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import exit_loop
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool
from google.adk.workflow import Workflow
from pydantic import BaseModel

from adk_flow.check.snapshot import draw_snapshot
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_models
from adk_flow.models.planned.playing import check_plans, models_asked
from adk_flow.models.scripted import Scripted
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import Conversation, read_conversation
from adk_flow.wiring import CONSTRUCTS, wire
from tests.doubles.flow import expected

LOOK = "look"


class Verdict(BaseModel):
    """What a reviewer says."""

    verdict: Literal["good", "bad"]
    comment: str


class Order(BaseModel):
    """What a clerk is asked."""

    article: str
    number: int


def look(thing: str) -> str:
    """Looks a thing up."""
    return f"{thing} found"


def named(name: str, **options: Any) -> LlmAgent:
    return LlmAgent(name=name, model="gemini-2.5-flash", description=f"{name} knows.", **options)


def task(agent: str, thing: str = "", **fields: Any) -> dict[str, Any]:
    tools = [{"name": LOOK, "args": {"thing": thing}}] if thing else []
    return {"agent": agent, "tools": tools, **fields}


async def play(root: Any, folder: Path, *plans: list[dict[str, Any]]) -> ConversationRun:
    turns = [{"say": f"say {number}", "plan": plan} for number, plan in enumerate(plans, 1)]
    asked = msgspec.convert({"turns": turns}, Conversation)
    return await run_conversation(
        App(name="app", root_agent=root), asked, file=folder / "log.jsonl"
    )


async def test_a_plan_whose_requests_do_not_show_what_was_done_ends(tmp_path):
    def forgetting(callback_context: Any, llm_request: Any) -> None:
        llm_request.contents = llm_request.contents[-1:]

    root = named("A", tools=[look], before_model_callback=forgetting)

    (turn,) = (await play(root, tmp_path, [task("A", "x")])).turns

    assert "A: it was asked 100 times with no word of what it had done" in turn.error
    assert turn.llm_calls == 102  # the first was shown its message


@pytest.fixture(autouse=True)
def no_model_named(monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)


def team(construct: str) -> Any:
    lead, a, b = named("Lead"), named("A", tools=[look]), named("B")
    return wire(lead, [a, b], construct)


def nested() -> Workflow:
    """A graph of agents: a sub-agent's own, a tool's, one that a function names."""
    coded = named("Coded", mode="single_turn")

    async def ask(ctx: Any, node_input: str) -> str:
        return await ctx.run_node(coded, node_input)

    sub = named("Sub", tools=[look], sub_agents=[named("Deep")])
    lead = named("Lead", tools=[AgentTool(named("Called"))], sub_agents=[sub])
    return Workflow(name="Graph", edges=[("START", lead, ask)])


FAR = RemoteA2aAgent(name="Far", agent_card="http://127.0.0.1:9/card.json")
STANDING = ["Lead", "Sub", "Deep", "Called", "Graph", "ask", "Coded"]


@pytest.mark.parametrize(
    ("root", "plan", "is_known"),
    [
        *((nested(), [task(name, says="a")], True) for name in STANDING),
        (nested(), [task("Nobody", "x", says="a")], True),
        (nested(), [task("Sub", says="a"), task("Nobody", says="a")], False),
        (nested(), [{"agent": "Nobody", "tools": [{"name": "gone"}]}], False),
        (named("Lead"), [task("Nobody", says="a")], True),
        (named("Lead", sub_agents=[FAR]), [task("Nobody", says="a")], True),
        (wire(named("Lead"), [named("A"), named("B")], "parallel"), [task("Lead")], True),
        (wire(named("Lead"), [named("A"), named("B")], "skills"), [task("B")], True),
    ],
)
def test_a_plan_is_refused_where_a_task_can_be_nobodys(root, plan, is_known):
    asked = msgspec.convert({"turns": [{"say": "x", "plan": plan}]}, Conversation)
    app = App(name="app", root_agent=root)

    with nullcontext() if is_known else pytest.raises(AdkFlowError, match="no agent 'Nobody'"):
        check_plans(app, {"file.yaml": asked})


async def test_a_lead_goes_on_where_one_of_those_it_called_waits_for_the_user(tmp_path):
    confirmed = FunctionTool(look, require_confirmation=True)
    lead, a, b = named("Lead"), named("A", tools=[look]), named("B", tools=[confirmed])
    root = wire(lead, [a, b], "agent_tool_skip_summarization")

    held = await play(root, tmp_path, [task("A", "a key"), task("B", "a box")])

    # The lead, A twice, B until it waits, and the lead, which ADK asks again.
    assert held.turns[0].llm_calls == 5
    assert "unresolved" in held.turns[0].answer


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_an_empty_plan_lets_nobody_do_anything(construct, tmp_path):
    held = await play(team(construct), tmp_path, [])

    assert not any(held.failed_checks)
    assert held.turns[0].tool_calls == 0
    assert set(held.turns[0].answer) <= {"–", "\n", " ", "A", "B", ":"}


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_every_construct_calls_the_tool_with_the_plans_arguments(construct, tmp_path):
    held = await play(team(construct), tmp_path, [task("A", "x")])

    calls = {"loop": 2, "best_of_n": 3, "skills": 2}.get(construct, 1)  # a skill is loaded first
    assert held.turns[0].tool_calls == calls
    assert ("x found" in held.turns[0].answer) == (construct not in ("sequential", "loop"))
    assert not any(held.failed_checks)


def hide_targets(callback_context: Any, llm_request: Any) -> None:
    """Declares transfers as ADK 1.18 does, which names the targets in the instruction only."""
    for tool in llm_request.config.tools:
        for function in tool.function_declarations or ():
            properties = (function.parameters_json_schema or {}).get("properties", {})
            properties.get("agent_name", {}).pop("enum", None)


async def test_targets_that_only_the_instruction_names_are_reached(tmp_path):
    lead = named("Lead", sub_agents=[named("A")], before_model_callback=hide_targets)

    held = await play(lead, tmp_path, [{"agent": "A", "says": "yes"}])

    assert held.turns[0].active_agent == "A"
    assert held.turns[0].answer == "yes"


async def test_control_goes_up_and_down_to_whom_the_plan_names_three_levels_deep(tmp_path):
    left = named("Left", sub_agents=[named("LeftLeaf", tools=[look])])
    right = named("Right", sub_agents=[named("RightLeaf", tools=[look])])
    root = named("Top", sub_agents=[left, right])

    held = await play(root, tmp_path, [task("LeftLeaf", "a"), task("RightLeaf", "b")])

    assert draw_snapshot(held.moves) == expected(
        """
        start user to Top
        user say Top "say 1"
        Top => Left
        Left => LeftLeaf
        LeftLeaf => Left
        Left => Right
        Right => RightLeaf
        RightLeaf reply user "a found b found"
        end RightLeaf to user
        """
    )


async def test_a_call_on_the_way_to_a_nested_agent_is_made_for_each_task(tmp_path):
    leaves = [AgentTool(named(name, tools=[look])) for name in ("One", "Two")]
    root = named("Top", tools=[AgentTool(named("Middle", tools=leaves))])

    held = await play(
        root, tmp_path, [task("One", "a", ask="find a"), task("Two", "b", ask="find b")]
    )

    moves = draw_snapshot(held.moves)
    assert [line for line in moves if " ask " in line] == [
        'Top ask Middle "find a"',
        'Top ask Middle "find b"',
        'Middle ask One "find a"',
        'Middle ask Two "find b"',
    ]
    assert held.turns[0].answer == "a found\n\nb found"
    assert held.turns[0].llm_calls == 1 + 2 * (2 + 2) + 1


async def test_two_tasks_for_one_agent_are_two_calls_of_it(tmp_path):
    root = named("Lead", tools=[AgentTool(named("Spec", tools=[look]))])

    held = await play(root, tmp_path, [task("Spec", "a"), task("Spec", "b")])

    assert draw_snapshot(held.moves) == expected(
        """
        start user to Lead
        user say Lead "say 1"
        Lead -< Spec, Spec
        Lead -> Spec (agent_tool)
        Lead ask Spec "say 1"
        Lead -> Spec (agent_tool)
        Lead ask Spec "say 1"
        Spec answer Lead "a found"
        Lead <- Spec
        Spec answer Lead "b found"
        Lead <- Spec
        Lead >-
        Lead reply user "a found b found"
        end Lead to user
        """
    )


async def test_after_orders_two_tasks_and_hands_the_result_on(tmp_path):
    root = named("Lead", tools=[AgentTool(named("Spec", tools=[look]))])
    plan = [
        task("Spec", "b", ask="then", after=["first"]),
        task("Spec", "a", ask="first", name="first"),
    ]

    held = await play(root, tmp_path, plan)

    asks = [move.text for move in held.moves if move.kind == "ask"]
    assert asks == ["first", "then\n\na found"]
    assert held.turns[0].answer == "a found\n\nb found"


async def test_a_review_loop_rejects_and_then_approves_by_pass(tmp_path):
    with pytest.warns(DeprecationWarning):
        root = LoopAgent(
            name="loop",
            max_iterations=5,
            sub_agents=[named("Writer"), named("Reviewer", tools=[exit_loop])],
        )
    plan = [
        {"agent": "Writer", "says": "draft one", "pass": 1},
        {"agent": "Writer", "says": "draft two", "pass": 2},
        {"agent": "Reviewer", "says": "too long", "pass": 1},
        {"agent": "Reviewer", "tools": [{"name": "exit_loop"}], "pass": 2},
    ]

    held = await play(root, tmp_path, plan)

    said = [(move.source, move.text) for move in held.moves if move.kind == "answer"]
    assert said == [("Writer", "draft one"), ("Reviewer", "too long"), ("Writer", "draft two")]
    assert not any(held.failed_checks)


async def test_one_agent_in_a_loop_of_its_own_counts_its_passes(tmp_path):
    with pytest.warns(DeprecationWarning):
        root = LoopAgent(name="loop", max_iterations=2, sub_agents=[named("Writer")])
    says = [{"agent": "Writer", "says": f"draft {n}", "pass": n} for n in (1, 2)]

    held = await play(root, tmp_path, says)

    assert [move.text for move in held.moves if move.kind == "answer"] == ["draft 1", "draft 2"]


async def test_a_task_agent_asks_the_user_and_finishes_in_the_next_turn(tmp_path):
    root = named("Lead", sub_agents=[named("Spec", mode="task", tools=[look])])

    held = await play(
        root, tmp_path, [task("Spec", says="Which?", waits=True)], [task("Spec", "that")]
    )

    assert draw_snapshot(held.moves) == expected(
        """
        start user to Lead
        user say Lead "say 1"
        Lead -> Spec (task)
        Lead ask Spec "say 1"
        Spec reply user "Which?"
        end Spec to user

        start user to Spec
        user say Spec "say 2"
        Spec answer Lead "that found"
        Lead <- Spec
        Lead reply user "that found"
        end Lead to user
        """
    )


TEA = {"article": "tea", "number": 2}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"ask": TEA, "says": {"verdict": "bad"}}, [TEA, {"verdict": "bad", "comment": "–"}]),
        ({}, [{"article": "say 1", "number": 1}, {"verdict": "good", "comment": "–"}]),
    ],
)
async def test_schemas_are_filled_by_the_plan_or_by_anything_valid(stated, told, tmp_path):
    clerk = named("Clerk", input_schema=Order, output_schema=Verdict)
    root = named("Lead", tools=[AgentTool(clerk)])

    held = await play(root, tmp_path, [{"agent": "Clerk", **stated}])

    texts = [move.text for move in held.moves if move.kind in ("ask", "answer")]
    assert [msgspec.json.decode(text) for text in texts] == told


async def test_a_classifier_chooses_the_agent_of_the_first_task(tmp_path):
    held = await play(team("router"), tmp_path, [{"agent": "B", "says": "hello"}])

    assert (held.turns[0].answer, held.turns[0].answered_by) == ("hello", "B")


async def test_a_task_of_an_absent_agent_goes_to_whoever_has_its_tool_else_to_the_lead(tmp_path):
    plan = [task("Nobody", "x"), {"agent": "Nobody", "says": "hello"}]

    held = await play(team("agent_tool"), tmp_path, plan)

    said = [(move.source, move.text) for move in held.moves if move.kind == "answer"]
    assert said == [("A", "x found")]
    assert held.turns[0].answer == "hello\n\nx found"


async def test_tools_marked_then_wait_for_those_before(tmp_path):
    tools = [
        {"name": LOOK, "args": {"thing": "a"}},
        {"name": LOOK, "args": {"thing": "b"}, "then": True},
    ]

    held = await play(named("Lead", tools=[look]), tmp_path, [{"agent": "Lead", "tools": tools}])

    assert (held.turns[0].llm_calls, held.turns[0].answer) == (3, "a found\n\nb found")


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        ({"name": "peek"}, "Lead: it has no tool 'peek'; it has look"),
        ({"name": LOOK, "args": {}}, "Lead: look does not take that: 'thing' is a required"),
        ({"name": LOOK, "args": {"thing": 1}}, "look does not take that: thing: 1 is not of type"),
        ({"name": LOOK, "args": {"thing": "a", "at": 1}}, "there is no 'at'; there are thing"),
    ],
)
async def test_an_impossible_step_fails_the_turn_with_a_line_that_says_why(tool, reason, tmp_path):
    root = named("Lead", tools=[look])

    held = await play(root, tmp_path, [{"agent": "Lead", "tools": [tool]}], [])

    (failed,) = held.failed_checks[0]
    assert reason in failed
    assert held.turns[0].failed
    assert held.failed_checks[1] == []  # the next turn goes on


async def test_a_fault_below_a_node_that_survives_failures_fails_the_turn_too(tmp_path):
    held = await play(team("coordinator"), tmp_path, [{"agent": "B", "tools": [{"name": "peek"}]}])

    assert "B: it has no tool 'peek'; it has none" in held.failed_checks[0][0]


@pytest.mark.parametrize(
    ("construct", "calls"),
    [("sequential", 3), ("parallel", 3), ("loop", 6), ("classifier_router", 2), ("skills", 3)],
)
async def test_a_task_whose_tools_nobody_has_leaves_the_others_to_theirs(
    construct, calls, tmp_path
):
    """As of a lead that the construct has no use for, or of an agent that it cannot take."""

    def peek() -> str:
        """Peeks."""
        return "seen"

    whole = construct == "skills"
    lead = named("Lead", tools=[] if whole else [peek])
    gone = {"agent": "Gone" if whole else "Lead", "tools": [{"name": "peek"}]}

    root = wire(lead, [named("A", tools=[look]), named("B")], construct)
    held = await play(root, tmp_path, [gone, task("A", "a key"), task("B", says="b")])

    left = held.failed_checks[0][0]
    assert left == f"left over, as nobody was asked: {gone['agent']} (peek)"
    assert (held.turns[0].llm_calls, held.turns[0].failed) == (calls, False)


class Note(BaseModel):
    words: str


class Findings(BaseModel):
    """Data through and through: nothing of it takes any words."""

    note: Note
    pages: list[int]


@pytest.mark.parametrize("construct", ["agent_tool", "single_turn", "coordinator"])
async def test_an_agent_that_answers_in_data_plays_its_own_task(construct, tmp_path):
    root = wire(named("Lead"), [named("A", output_schema=Findings), named("B")], construct)

    held = await play(root, tmp_path, [task("A"), task("B", says="b")])

    assert held.trace
    asked = {call.agent for call in held.trace.turns[0].asked_models}
    assert (held.failed_checks, asked) == ([[]], {"Lead", "A", "B"})


@pytest.mark.parametrize(
    ("stages", "calls"),
    [(SequentialAgent, 4), (ParallelAgent, 4), (partial(LoopAgent, max_iterations=2), 6)],
)
async def test_stages_that_are_called_are_called_once_for_all_their_tasks(stages, calls, tmp_path):
    pipeline = stages(name="pipeline", sub_agents=[named("A"), named("B")])
    root = named("Lead", tools=[AgentTool(pipeline)])

    held = await play(root, tmp_path, [task("A", says="a"), task("B", says="b")])

    assert (held.failed_checks, held.turns[0].llm_calls) == ([[]], calls)


GRAPHS = ["router", "router_many", "coordinator", "sequential", "parallel", "loop", "best_of_n"]


@pytest.mark.parametrize(
    ("construct", "name"), [*zip(GRAPHS, GRAPHS, strict=True), ("workflow_tool", "specialists")]
)
async def test_an_agent_may_have_the_name_of_a_constructs_graph(construct, name, tmp_path):
    async def asked(lead, other):
        root = wire(named(lead), [named("A"), named(other)], construct)
        plan = [task("A", says="a"), task(other, says="b")]
        held = await play(root, tmp_path / lead / other, plan)
        assert held.trace
        return [call.agent for call in held.trace.turns[0].asked_models]

    plain = await asked("Lead", "B")

    assert await asked(name, "B") == [agent.replace("Lead", name) for agent in plain]
    assert await asked("Lead", name) == [agent.replace("B", name) for agent in plain]


async def test_an_agent_may_have_the_name_of_a_routers_field(tmp_path):
    root = wire(named("Lead"), [named("specialists"), named("B")], "router_many")

    held = await play(root, tmp_path, [task("specialists", says="a"), task("B", says="b")])

    assert (held.failed_checks, held.turns[0].llm_calls) == ([[]], 4)


async def test_a_stage_before_what_it_waits_for_leaves_its_task_over(tmp_path):
    root = Workflow(name="two", edges=[("START", named("A"), named("B"))])
    plan = [
        {"agent": "B", "says": "b", "name": "second"},
        {"agent": "A", "says": "a", "after": ["second"]},
    ]

    held = await play(root, tmp_path, plan)

    assert held.failed_checks == [["left over, as nobody was asked: A"]]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("[{agent: A, after: [x]}]", "turns[0].plan[0].after: no task of this turn is named 'x'"),
        (
            "[{agent: A, name: x, after: [y]}, {agent: B, name: y, after: [x]}]",
            "turns[0].plan[0].after: the tasks wait for one another in a circle",
        ),
        ("[{agent: A, name: x}, {agent: B, name: x}]", "another task is named 'x'"),
        ("[{agent: A, pass: -1}]", "turns[0].plan[0].pass: expected 1 or more, not -1"),
        ("[{agent: A, tolls: []}]", "line 3: turns[0].plan[0]: unknown field"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_by_its_line(plan, reason, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(f"turns:\n  - say: Hello\n    plan: {plan}\n", encoding="utf-8")

    with pytest.raises(AdkFlowError) as refused:
        read_conversation(file)

    assert str(refused.value).startswith(f"{file}: line 3: ")
    assert reason in str(refused.value)


async def test_a_stated_return_takes_the_place_of_the_tool_also_below_a_runner_of_its_own(tmp_path):
    def burn(thing: str) -> str:
        """Must not be run."""
        raise AssertionError(thing)

    spec = named("Spec", tools=[burn])
    root = named("Lead", tools=[AgentTool(spec, include_plugins=False)])
    tools = [{"name": "burn", "args": {"thing": "x"}, "returns": {"ash": n}} for n in (1, 2)]

    held = await play(root, tmp_path, [{"agent": "Spec", "tools": tools}])

    assert not any(held.failed_checks)
    assert held.turns[0].answer == '{"ash": 1}\n\n{"ash": 2}'


async def test_no_thread_pool_decides_in_which_order_tools_end(tmp_path):
    threads = []

    def where(number: int) -> int:
        """Tells where it runs."""
        threads.append((number, threading.current_thread().name))
        return number

    class Pool(BasePlugin):
        async def before_run_callback(self, *, invocation_context):
            pool = ToolThreadPoolConfig(max_workers=4)
            invocation_context.run_config = RunConfig(tool_thread_pool_config=pool)

    tools = [{"name": "where", "args": {"number": number}} for number in range(4)]
    turn = {"say": "Go.", "plan": [{"agent": "Lead", "tools": tools}]}
    app = App(name="app", root_agent=named("Lead", tools=[where]), plugins=[Pool("pool")])

    asked = msgspec.convert({"turns": [turn]}, Conversation)
    await run_conversation(app, asked, file=tmp_path / "log.jsonl")

    assert threads == [(number, threading.current_thread().name) for number in range(4)]


TURN = {"say": "Find x.", "plan": [task("A", "x")]}


@pytest.mark.parametrize(
    ("named", "own", "models"),
    [
        ("", "gemini-2.5-flash", ["planned"]),
        ("offline", "gemini-2.5-flash", ["planned"]),
        ("gemini-2.5-pro", "offline", ["gemini-2.5-pro"]),
        ("", "scripted", ["scripted"]),
    ],
)
@pytest.mark.parametrize("way", ["environment", "override"])
def test_a_plan_plays_unless_a_real_or_scripted_model_is_named(
    named, own, models, way, monkeypatch
):
    model = Scripted() if own == "scripted" else own
    app = App(name="app", root_agent=LlmAgent(name="A", model=model))
    asked = [msgspec.convert({"turns": [TURN]}, Conversation)]
    if way == "environment":
        monkeypatch.setenv("MODEL_NAME", named)
    elif named:
        app = override_models(app, named)

    played = models_asked(app, asked)

    assert played == (models if way == "override" or models[0] != named else [own])


def test_a_turn_without_a_plan_asks_the_apps_own_model():
    app = App(name="app", root_agent=named("A"))
    asked = [msgspec.convert({"turns": [TURN, {"say": "And y?"}]}, Conversation)]

    assert models_asked(app, asked) == ["planned", "gemini-2.5-flash"]


async def test_an_app_of_live_models_is_compared_by_its_plans_without_a_key(tmp_path):
    app = App(name="app", root_agent=named("Lead", sub_agents=[named("A", tools=[look])]))
    asked = {"x": msgspec.convert({"turns": [TURN]}, Conversation)}

    compared = await asyncio.to_thread(
        compare, app, asked, ["transfer", "agent_tool"], folder=tmp_path
    )

    assert (compared.kind, compared.models) == ("controlled", ["planned"])
    assert [figures.llm_calls for figures in compared.constructs] == [3, 3, 4]
