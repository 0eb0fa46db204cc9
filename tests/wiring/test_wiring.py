"""The same lead and specialists under each construct: their moves, calls, and what each is shown.

The facts about google-adk that the wirings rely on stand at the end.
"""

import json
import re
import warnings
from typing import Any

import pytest
from google.adk.agents import BaseAgent, LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.agents.context import Context
from google.adk.tools import exit_loop
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import FunctionNode, JoinNode, Workflow

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.analysis.metrics import measure
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.models.scripted import Scripted, call
from adk_flow.wiring import CONSTRUCTS, DEPRECATED, WiringError, parts_of, wire
from tests.doubles.flow import agent, expected, record
from tests.doubles.models import Watched
from tests.doubles.teams import SCRIPTS, rate, team, twice, wired

PICTURES = {
    "single_agent": """
        start user to Lead
        user say Lead "Cost?"
        Lead reply user "5%."
        end Lead to user
    """,
    "advisor": """
        start user to Lead
        user say Lead "Cost?"
        Lead reply user "5%."
        end Lead to user
    """,
    "skills": """
        start user to Lead
        user say Lead "Cost?"
        Lead reply user "5%."
        end Lead to user
    """,
    "transfer": """
        start user to Lead
        user say Lead "Cost?"
        Lead => Loans
        Loans reply user "5%."
        end Loans to user
    """,
    "agent_tool": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> Loans (agent_tool)
        Lead ask Loans "How dear?"
        Loans answer Lead "5%."
        Lead <- Loans
        Lead reply user "It is 5%."
        end Lead to user
    """,
    "agent_tool_skip_summarization": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> Loans (agent_tool)
        Lead ask Loans "How dear?"
        Loans answer Lead "5%."
        Lead <- Loans
        Lead reply user "5%."
        end Lead to user
    """,
    "mixed": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> Loans (agent_tool)
        Lead ask Loans "How dear?"
        Loans answer Lead "5%."
        Lead <- Loans
        Lead reply user "It is 5%."
        end Lead to user
    """,
    "single_turn": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> Loans (single_turn)
        Lead ask Loans "How dear?"
        Loans reply user "5%."
        Loans answer Lead "5%."
        Lead <- Loans
        Lead reply user "It is 5%."
        end Lead to user
    """,
    "task": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> Loans (task)
        Lead ask Loans "How dear?"
        Loans answer Lead "5%."
        Lead <- Loans
        Lead reply user "It is 5%."
        end Lead to user
    """,
    "workflow_tool": """
        start user to Lead
        user say Lead "Cost?"
        Lead -> specialists (node_tool)
        Lead ask specialists "How dear?"
        specialists -> ask_Loans (node)
        ask_Loans -> Loans (node)
        Loans reply user "5%."
        Loans answer ask_Loans "5%."
        ask_Loans <- Loans
        ask_Loans answer specialists "5%."
        specialists <- ask_Loans
        specialists -> ask_Funds (node)
        ask_Funds -> Funds (node)
        Funds reply user "6%."
        Funds answer ask_Funds "6%."
        ask_Funds <- Funds
        ask_Funds answer specialists "6%."
        specialists <- ask_Funds
        specialists -> sum_up (node)
        specialists <- sum_up
        specialists answer Lead "[Loans] said: 5%. [Funds] said: 6%."
        Lead <- specialists
        Lead reply user "It is 5%."
        end Lead to user
    """,
    "router": """
        start user to router
        user say router "Cost?"
        router -> Lead (node)
        Lead reply user "{"specialist": "Loans"}"
        Lead answer router "{"specialist": "Loans"}"
        router <- Lead
        router -> route (node)
        router <- route
        router -> Loans (node)
        Loans reply user "5%."
        Loans answer router "5%."
        router <- Loans
        end router to user
    """,
    "classifier_router": """
        start user to classifier_router
        user say classifier_router "Cost?"
        classifier_router -> read_messages (node)
        classifier_router <- read_messages
        classifier_router -> classify (node)
        classifier_router <- classify
        classifier_router -> route (node)
        classifier_router <- route
        classifier_router -> Loans (node)
        Loans reply user "5%."
        Loans answer classifier_router "5%."
        classifier_router <- Loans
        end classifier_router to user
    """,
    "router_many": """
        start user to router_many
        user say router_many "Cost?"
        router_many -> Lead (node)
        Lead reply user "{"specialists": ["Loans"]}"
        Lead answer router_many "{"specialists": ["Loans"]}"
        router_many <- Lead
        router_many -> ask_Loans (node)
        ask_Loans -> Loans (node)
        Loans reply user "5%."
        Loans answer ask_Loans "5%."
        ask_Loans <- Loans
        ask_Loans answer router_many "5%."
        router_many <- ask_Loans
        router_many -> join (node)
        router_many <- join
        router_many -> merge (node)
        merge -> Lead (node)
        Lead reply user "It is 5%."
        Lead answer merge "It is 5%."
        merge <- Lead
        merge answer router_many "It is 5%."
        router_many <- merge
        end router_many to user
    """,
    "coordinator": """
        start user to coordinator
        user say coordinator "Cost?"
        coordinator -> dispatch (node)
        dispatch -> Lead (node)
        Lead reply user "{"Loans": "How dear?"}"
        Lead answer dispatch "{"Loans": "How dear?"}"
        dispatch <- Lead
        dispatch answer coordinator "{"Loans": "How dear?"}"
        coordinator <- dispatch
        coordinator -> ask_Loans (node)
        ask_Loans -> Loans (node)
        Loans reply user "5%."
        Loans answer ask_Loans "5%."
        ask_Loans <- Loans
        ask_Loans answer coordinator "5%."
        coordinator <- ask_Loans
        coordinator -> join (node)
        coordinator <- join
        coordinator -> merge (node)
        merge -> Lead (node)
        Lead reply user "It is 5%."
        Lead answer merge "It is 5%."
        merge <- Lead
        merge answer coordinator "It is 5%."
        coordinator <- merge
        end coordinator to user
    """,
    "sequential": """
        start user to sequential
        user say sequential "Cost?"
        sequential -> Loans (node)
        Loans reply user "5%."
        Loans answer sequential "5%."
        sequential <- Loans
        sequential -> tell_Loans (node)
        sequential <- tell_Loans
        sequential -> Funds (node)
        Funds reply user "6%."
        Funds answer sequential "6%."
        sequential <- Funds
        end sequential to user
    """,
    "parallel": """
        start user to parallel
        user say parallel "Cost?"
        parallel -< Loans, Funds
        parallel -> Loans (node)
        parallel -> Funds (node)
        Funds reply user "6%."
        Funds answer parallel "6%."
        parallel <- Funds
        Loans reply user "5%."
        Loans answer parallel "5%."
        parallel <- Loans
        parallel >-
        parallel -> join (node)
        parallel <- join
        parallel -> gather (node)
        parallel <- gather
        parallel reply user "Loans: 5%. Funds: 6%."
        end parallel to user
    """,
    "loop": """
        start user to loop
        user say loop "Cost?"
        loop -> Loans (node)
        Loans reply user "5%."
        Loans answer loop "5%."
        loop <- Loans
        loop -> tell_Loans (node)
        loop <- tell_Loans
        loop -> Funds (node)
        Funds reply user "6%."
        Funds answer loop "6%."
        loop <- Funds
        loop -> tell_Funds (node)
        loop <- tell_Funds
        loop -> go_on (node)
        loop <- go_on
        loop -> Loans (node)
        Loans reply user "4%."
        Loans answer loop "4%."
        loop <- Loans
        loop -> tell_Loans (node)
        loop <- tell_Loans
        loop -> Funds (node)
        Funds reply user "7%."
        Funds answer loop "7%."
        loop <- Funds
        loop -> tell_Funds (node)
        loop <- tell_Funds
        loop -> go_on (node)
        loop <- go_on
        end loop to user
    """,
    "best_of_n": """
        start user to best_of_n
        user say best_of_n "Cost?"
        best_of_n -< ask_Lead_1, ask_Lead_2, ask_Lead_3
        best_of_n -> ask_Lead_1 (node)
        ask_Lead_1 -> Lead_1 (node)
        best_of_n -> ask_Lead_2 (node)
        ask_Lead_2 -> Lead_2 (node)
        best_of_n -> ask_Lead_3 (node)
        ask_Lead_3 -> Lead_3 (node)
        Lead_1 reply user "3%."
        Lead_3 reply user "7%."
        Lead_1 answer ask_Lead_1 "3%."
        ask_Lead_1 <- Lead_1
        Lead_3 answer ask_Lead_3 "7%."
        ask_Lead_3 <- Lead_3
        ask_Lead_1 answer best_of_n "3%."
        best_of_n <- ask_Lead_1
        ask_Lead_3 answer best_of_n "7%."
        best_of_n <- ask_Lead_3
        Lead_2 reply user "5%."
        Lead_2 answer ask_Lead_2 "5%."
        ask_Lead_2 <- Lead_2
        ask_Lead_2 answer best_of_n "5%."
        best_of_n <- ask_Lead_2
        best_of_n >-
        best_of_n -> join (node)
        best_of_n <- join
        best_of_n -> choose (node)
        choose -> Lead (node)
        Lead reply user "{"best": "A", "reason": "It is exact."}"
        Lead answer choose "{"best": "A", "reason": "It is exact."}"
        choose <- Lead
        choose answer best_of_n "{"best": "A", "reason": "It is exact."}"
        best_of_n <- choose
        best_of_n reply user "5%."
        end best_of_n to user
    """,
}


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_one_question_moves_like_this(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])

    flow = await record(wired(model, construct), ["Cost?"], tmp_path, model=model)

    assert not flow.errors
    assert flow.picture == expected(PICTURES[construct])


@pytest.mark.parametrize("construct", DEPRECATED)
async def test_the_deprecated_agents_move_like_the_graphs(construct, tmp_path):
    graph_of = construct.removeprefix("deprecated_")
    model = Scripted(script=SCRIPTS[graph_of])

    flow = await record(wired(model, construct), ["Cost?"], tmp_path, model=model)

    # They have no functions between their agents, and none that gathers the answers.
    functions = re.compile(r"^\w+ (->|<-) (tell_\w+|go_on|join|gather)\b|^parallel reply")
    graph = expected(PICTURES[graph_of]).splitlines()
    assert flow.picture == [line for line in graph if not functions.search(line)]


CALLS = {
    "single_agent": (2, 4),
    "advisor": (4, 8),
    "skills": (3, 5),
    "transfer": (3, 5),
    "agent_tool": (4, 8),
    "agent_tool_skip_summarization": (3, 6),
    "single_turn": (4, 8),
    "task": (4, 8),
    "workflow_tool": (5, 10),
    "router": (3, 6),
    "classifier_router": (2, 4),
    "router_many": (4, 8),
    "mixed": (4, 8),
    "coordinator": (4, 8),
    "sequential": (3, 6),
    "parallel": (3, 6),
    "loop": (5, 10),
    "best_of_n": (5, 10),
}
"""Model calls after a question, and after its follow-up."""


def model_calls(flow):
    first, second = measure(flow.trace)
    return first.seen_llm_calls, first.seen_llm_calls + second.seen_llm_calls


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_a_question_and_its_follow_up_take_this_many_model_calls(construct, tmp_path):
    model = Scripted(script=twice(construct))

    flow = await record(wired(model, construct), ["Cost?", "And now?"], tmp_path, model=model)

    assert not flow.errors
    assert model_calls(flow) == CALLS[construct]


@pytest.mark.parametrize("construct", [*CALLS][:1] + [*CALLS][2:11])
async def test_the_offline_model_takes_as_many(construct, tmp_path):
    lead, (loans, funds) = team("offline")
    loans.description = "Answers questions about loans and their interest rates."
    funds.description = "Answers questions about flowers and gardens."

    asked = ["What is the interest rate of a loan over 5 years?", "And over 7 years?"]
    flow = await record(wire(lead, [loans, funds], construct), asked, tmp_path)

    assert not flow.errors
    assert model_calls(flow) == CALLS[construct]
    assert "7 years" in measure(flow.trace)[1].answer


async def test_reported_calls_fall_short_of_the_true_ones_only_below_agent_tools(tmp_path):
    gaps = {}
    for construct in CONSTRUCTS:
        model = Scripted(script=SCRIPTS[construct])
        flow = await record(wired(model, construct), ["Cost?"], tmp_path / construct)
        (turn,) = measure(flow.trace)
        gaps[construct] = turn.seen_llm_calls - turn.reported_llm_calls

    assert {name: gap for name, gap in gaps.items() if gap} == {
        "agent_tool": 2,
        "agent_tool_skip_summarization": 2,
        "mixed": 2,
        "advisor": 1,
    }


@pytest.mark.parametrize(
    ("construct", "answers", "holds"),
    [
        ("transfer", "Loans", "Loans"),
        ("agent_tool", "Lead", "Lead"),
        ("router", "Loans", "router"),
        ("coordinator", "Lead", "coordinator"),
        ("parallel", "parallel", "parallel"),
    ],
)
async def test_who_answers_and_who_holds_the_next_turn(construct, answers, holds, tmp_path):
    flow = await record(wired(Scripted(script=SCRIPTS[construct]), construct), ["?"], tmp_path)

    (turn,) = measure(flow.trace)
    assert (turn.answered_by, turn.active_agent) == (answers, holds)


# What stays the same


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_the_originals_stay_as_they_are_and_can_be_wired_again(construct):
    lead, specialists = team(Scripted())

    roots = [wire(lead, specialists, construct) for _ in range(2)]

    assert roots[0] is not roots[1]
    for one in (lead, *specialists):
        assert (one.parent_agent, one.sub_agents, one.mode) == (None, [], None)
    assert [one.tools for one in (lead, *specialists)] == [[], [rate], []]


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_agents_of_another_tree_are_taken_without_its_wiring(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])
    _, (loans, funds) = team(model, mode="task")
    tree = agent("Lead", model, sub_agents=[loans], tools=[AgentTool(funds)])

    root = wire(tree, [loans, funds], construct, called=["Loans"])
    flow = await record(root, ["Cost?"], tmp_path, model=model)

    assert flow.picture == expected(PICTURES[construct])
    assert (loans.parent_agent, loans.mode) == (tree, "task")


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_instructions_tools_and_callbacks_go_along(construct, tmp_path):
    fired = []
    model = Watched(script=SCRIPTS[construct])
    lead, specialists = team(model, before_tool_callback=lambda tool, **_: fired.append(tool.name))

    root = wire(lead, specialists, construct, called=["Loans"] if construct == "mixed" else ())
    await record(root, ["Cost?"], tmp_path)

    alone = {"single_agent": "Lead", "advisor": "Lead", "skills": "Lead", "best_of_n": "Lead_2"}
    sent = model.to(alone.get(construct, "Loans"))[-1]
    # A skill's comes as the result of loading it (test_skills.py).
    assert "You lend." in sent.instruction or construct == "skills"
    assert "rate" in sent.tools
    assert fired.count("rate") == 1
    assert all("You lead." in sent.instruction for sent in model.sent if sent.agent[:4] == "Lead")


# What each is shown


async def test_after_a_transfer_everything_is_seen_below_an_agent_tool_only_the_request(tmp_path):
    shown = {}
    for construct in ("transfer", "agent_tool", "single_turn"):
        model = Watched(script=SCRIPTS[construct])
        await record(wired(model, construct), ["Cost? Canary."], tmp_path / construct)
        shown[construct] = any("Canary" in text for text in model.texts("Loans")[0])

    assert shown == {"transfer": True, "agent_tool": False, "single_turn": False}


async def test_a_router_and_its_specialist_know_the_conversation_but_not_each_other(tmp_path):
    script = {"Lead": ['{"specialist": "Loans"}', '{"specialist": "Funds"}'] * 2}
    script |= {"Loans": ["5%.", "4%."], "Funds": ["6%.", "7%."]}
    model = Watched(script=script)

    await record(wired(model, "router"), ["a", "b", "c"], tmp_path)

    assert model.texts("Lead")[2] == ["a", script["Lead"][0], "b", script["Lead"][1], "c"]
    assert model.texts("Loans") == [["a"], ["a", "5%.", "b", "c"]]


@pytest.mark.parametrize("named", [[], ["Funds"], ["Funds", "Loans"]])
async def test_a_router_to_many_asks_those_that_it_names_and_merges_even_a_failure(named, tmp_path):
    answers = {"Loans": [RuntimeError("line is down")], "Funds": ["Safe."]}
    script = {name: answers[name] for name in named}
    model = Watched(script={"Lead": [json.dumps({"specialists": named}), "So."], **script})

    flow = await record(wired(model, "router_many"), ["All? Canary."], tmp_path, model=model)

    heard = {"Loans": "[Loans] failed: RuntimeError: line is down", "Funds": "[Funds] said: Safe."}
    assert not flow.errors
    assert [text for text in model.texts("Lead")[1] if text in heard.values()] == [
        heard[name] for name in ("Loans", "Funds") if name in named
    ]
    assert [model.texts(name) for name in named] == [[["All? Canary."]]] * len(named)


async def test_a_coordinators_specialists_see_their_share_and_it_hears_of_a_failure(tmp_path):
    shares = '{"Loans": "How dear?", "Funds": "How safe?"}'
    script = {"Lead": [shares, "So."], "Loans": [RuntimeError("line is down")], "Funds": ["Safe."]}
    model = Watched(script=script)

    flow = await record(wired(model, "coordinator"), ["All? Canary."], tmp_path, model=model)

    assert not flow.errors
    assert model.texts("Loans") == [["How dear?"]]
    assert model.texts("Funds") == [["How safe?"]]
    assert model.texts("Lead")[1] == [
        "All? Canary.",
        "For context:",
        "[Loans] was asked: How dear?",
        "[Loans] failed: RuntimeError: line is down",
        "[Funds] was asked: How safe?",
        "[Funds] said: Safe.",
    ]
    assert draw_snapshot(flow.moves[4:]) == expected("""
        Lead reply user "{"Loans": "How dear?", "Funds": "How safe?"}"
        Lead answer dispatch "{"Loans": "How dear?", "Funds": "How safe?"}"
        dispatch <- Lead
        dispatch answer coordinator "{"Loans": "How dear?", "Funds": "How safe?"}"
        coordinator <- dispatch
        coordinator -< ask_Loans, ask_Funds
        coordinator -> ask_Loans (node)
        ask_Loans -> Loans (node)
        coordinator -> ask_Funds (node)
        ask_Funds -> Funds (node)
        ask_Loans <- Loans FAILED
        Funds reply user "Safe."
        Funds answer ask_Funds "Safe."
        ask_Funds <- Funds
        ask_Funds answer coordinator "Safe."
        coordinator <- ask_Funds
        coordinator <- ask_Loans
        coordinator >-
        coordinator -> join (node)
        coordinator <- join
        coordinator -> merge (node)
        merge -> Lead (node)
        Lead reply user "So."
        Lead answer merge "So."
        merge <- Lead
        merge answer coordinator "So."
        coordinator <- merge
        end coordinator to user
    """)


async def test_what_a_lead_decides_in_json_is_asked_for_in_a_plain_schema(tmp_path):
    asked = {}

    class Shapes(Scripted):
        async def generate_content_async(self, llm_request, stream=False):
            shape: Any = llm_request.config.response_schema
            if shape:
                plain = shape if isinstance(shape, dict) else shape.model_json_schema()
                asked[plain["title"]] = plain["properties"]
            async for response in super().generate_content_async(llm_request, stream):
                yield response

    for construct in ("router", "coordinator"):
        model = Shapes(script=SCRIPTS[construct])
        await record(wired(model, construct), ["?"], tmp_path / construct)

    text = {"type": "string"}
    assert asked == {
        "Choice": {"specialist": {**text, "title": "Specialist", "enum": ["Loans", "Funds"]}},
        "Dispatch": {
            "Loans": {**text, "description": "Loans knows the cost."},
            "Funds": {**text, "description": "Funds knows."},
        },
    }


async def test_a_coordinator_that_needs_nobody_answers_itself(tmp_path):
    model = Watched(script={"Lead": ["{}", "Hello."]})

    flow = await record(wired(model, "coordinator"), ["Hello?"], tmp_path, model=model)

    assert measure(flow.trace)[0].answer == "Hello."


async def test_in_a_sequence_each_is_told_what_the_one_before_said(tmp_path):
    model = Watched(script=twice("sequential"))

    await record(wired(model, "sequential"), ["a", "b"], tmp_path)

    told = ["For context:", "[Loans] said: 5%."]
    assert model.texts("Funds") == [["a", *told], ["a", "6%.", "b", *told]]


@pytest.mark.parametrize("construct", ["loop", "deprecated_loop"])
async def test_a_loop_ends_before_its_limit_if_an_agent_escalates(construct, tmp_path):
    script = {"Loans": ["5%."], "Funds": [call("exit_loop")]}
    model = Scripted(script=script)
    lead, (loans, funds) = team(model)
    funds.tools = [exit_loop]

    root = wire(lead, [loans, funds], construct)
    flow = await record(root, ["?"], tmp_path, model=model)

    called = [move.target for move in flow.moves if move.kind == "call"]
    assert [name for name in called if name in ("Loans", "Funds")] == ["Loans", "Funds"]


async def test_candidates_differ_in_name_and_temperature(tmp_path):
    model = Watched(script=SCRIPTS["best_of_n"])

    await record(wired(model, "best_of_n"), ["?"], tmp_path)

    heat = {sent.agent: sent.temperature for sent in model.sent}
    assert heat == {"Lead_1": 0.0, "Lead_2": 0.5, "Lead_3": 1.0, "Lead": None}


async def test_instructions_that_are_functions_are_asked_when_they_are_needed(tmp_path):
    model = Watched(script={"Lead": ["Hello."]})
    lead, (loans, funds) = team(model)
    loans.instruction = lambda context: f"You lend to {context.user_id}."
    lead.instruction = "You lead in {place?}."

    await record(wire(lead, [loans, funds], "single_agent"), ["?"], tmp_path)

    (sent,) = model.sent
    assert "You lead in ." in sent.instruction
    assert "You lend to u." in sent.instruction


async def test_braces_in_a_description_are_no_session_state(tmp_path):
    model = Watched(script=SCRIPTS["router"])
    lead, specialists = team(model)
    specialists[1].description = "Answers {anything}."

    flow = await record(wire(lead, specialists, "router"), ["?"], tmp_path)

    assert not flow.errors
    assert "Funds: Answers {anything}." in model.sent[0].instruction


async def test_a_failing_node_ends_the_fork_and_the_turn(tmp_path):
    model = Scripted(script={"Loans": [RuntimeError("line is down")], "Funds": ["6%."]})

    flow = await record(wired(model, "parallel"), ["?"], tmp_path)

    control = flow.control
    assert "parallel <- Loans FAILED" in control
    assert control[-2:] == ["parallel >-", "end parallel to user FAILED"]


# Who calls whom in `mixed`


def test_mixed_calls_those_whom_its_lead_calls_else_the_last():
    lead, (loans, funds) = team(Scripted())
    calling = agent("Lead", Scripted(), tools=[AgentTool(loans)])

    def called(lead, **options):
        root: Any = wire(lead, [loans, funds], "mixed", **options)
        return [tool.name for tool in root.tools], [sub.name for sub in root.sub_agents]

    assert called(lead) == (["Funds"], ["Loans"])
    assert called(calling) == (["Loans"], ["Funds"])
    assert called(calling, called=["Loans", "Funds"]) == (["Loans", "Funds"], [])


# What cannot be wired


def same_name(lead, specialists):
    return wire(lead, [*specialists, agent("Loans", Scripted())], "transfer")


def same_tool_name(lead, specialists):
    def rate(years: int) -> str:
        """Looks another rate up."""
        return ""

    specialists[1].tools = [rate]
    return wire(lead, specialists, "single_agent")


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda lead, them: wire(lead, them, "tranfer"), "'tranfer' is no construct; known are"),
        (lambda lead, _: wire(lead, [], "task"), "Lead has no specialists"),
        (lambda lead, them: wire(lead, them, "mixed", called=["Savings"]), "Savings is none of"),
        (same_name, "two agents are named Loans"),
        (same_tool_name, "single_agent: Loans and Funds have different tools named 'rate'"),
    ],
)
def test_what_cannot_be_wired_is_told_in_one_line(attempt, told):
    with pytest.raises(WiringError, match=told) as caught:
        attempt(*team(Scripted()))
    assert "\n" not in str(caught.value)


def test_an_unknown_construct_lists_all_known():
    with pytest.raises(WiringError) as caught:
        wire(*team(Scripted()), "swarm")
    assert all(construct in str(caught.value) for construct in CONSTRUCTS)


# Somebody's own tree


def test_a_tree_is_taken_apart_at_any_depth():
    model = Scripted()
    clerk, broker, saver = (agent(name, model) for name in ("Clerk", "Broker", "Saver"))
    desk = agent("Desk", model, tools=[rate, AgentTool(clerk)], sub_agents=[broker])
    saver.mode = "single_turn"
    root = agent("Root", model, sub_agents=[desk, saver])

    lead, specialists, left_out = parts_of(root, deep=True)

    assert lead is root
    assert [one.name for one in specialists] == ["Desk", "Broker", "Clerk", "Saver"]
    assert left_out == []
    assert parts_of(root).specialists == [desk, saver]


def test_what_cannot_be_rewired_is_named_with_the_reason():
    model = Scripted()
    steps = SequentialAgent(name="Steps", sub_agents=[agent("First", model), agent("Then", model)])
    graph = Workflow(name="Graph", edges=[("START", agent("Node", model))])
    inner = LoopAgent(name="Rounds", sub_agents=[agent("Again", model)])
    other = Coded(name="Coded")
    tools: list[Any] = [graph, AgentTool(inner), AgentTool(agent("First", model))]

    root = agent("Root", model, sub_agents=[steps, other], tools=tools)

    assert [one.name for one in parts_of(root).specialists] == ["Steps", "Coded", "First"]
    parts = parts_of(root, deep=True)
    assert [one.name for one in parts.specialists] == ["First", "Then", "Coded"]
    assert parts.left_out == [
        "Steps: a SequentialAgent; its agents are taken one by one, without their order",
        "Rounds: a LoopAgent; it stays a tool under every construct",
        "First: another agent has the same name",
        "Graph: a Workflow; it stays a tool under every construct",
    ]


def test_a_tree_without_a_lead_or_specialists_is_a_problem():
    model = Scripted()
    with pytest.raises(WiringError, match="Steps is a SequentialAgent; under"):
        parts_of(SequentialAgent(name="Steps", sub_agents=[agent("First", model)]))
    with pytest.raises(WiringError, match="Root has no specialists; Rounds: a LoopAgent"):
        parts_of(agent("Root", model, tools=[AgentTool(LoopAgent(name="Rounds"))]))


class Coded(BaseAgent):
    """An agent whose owner wrote what it does."""


async def test_an_agent_keeps_the_model_that_it_had_from_above(tmp_path):
    model = Scripted(script=SCRIPTS["agent_tool"])
    loans = LlmAgent(name="Loans", tools=[rate])
    desk = LlmAgent(name="Desk", sub_agents=[loans])
    root = agent("Lead", model, sub_agents=[desk])

    parts = parts_of(root, deep=True)
    flow = await record(wire(*parts[:2], "agent_tool"), ["?"], tmp_path, model=model)

    assert not flow.errors


# What the wirings rely on in google-adk 2.13


def test_a_clone_is_not_given_the_tools_that_construction_gives():
    one = agent("Loans", Scripted()).clone(update={"mode": "task"})
    assert one.tools == []
    one.model_post_init(None)
    assert [type(tool).__name__ for tool in one.tools] == ["FinishTaskTool"]


async def test_a_node_is_blind_to_the_conversation_unless_it_says_otherwise(tmp_path):
    shown = {}
    for include in (None, "default"):
        model = Watched(script={"Loans": ["5%.", "4%."]})
        options = {"include_contents": include} if include else {}
        graph = Workflow(name="Graph", edges=[("START", agent("Loans", model, **options))])
        await record(graph, ["a", "b"], tmp_path / str(include))
        shown[include] = model.texts("Loans")[1]

    # With the conversation, START's output comes as a second question: hence `conversation`.
    assert shown == {None: ["b"], "default": ["a", "5%.", "b", "b"]}


async def test_a_node_does_not_see_what_other_nodes_said(tmp_path):
    model = Watched(script={"Loans": ["5%."], "Funds": ["6%."]})
    nodes = [agent(name, model, include_contents="default") for name in model.script]

    await record(
        Workflow(name="Graph", edges=[("START", nodes[0], end, nodes[1])]), ["a"], tmp_path
    )

    assert model.texts("Funds") == [["a"]]


def end() -> None:
    """Gives nothing on."""


async def test_an_output_that_is_a_content_is_no_message_to_the_user(tmp_path):
    model = Scripted(script=SCRIPTS["sequential"])

    flow = await record(wired(model, "sequential"), ["?"], tmp_path)

    assert [turn.answered_by for turn in measure(flow.trace)] == ["Funds"]
    assert [final.text for final in measure(flow.trace)[0].finals] == ["5%.", "6%."]


async def test_a_function_that_runs_agents_must_be_rerun_on_resume(tmp_path):
    model = Scripted(script={"Loans": ["5%."]})
    loans = agent("Loans", model)

    async def run(ctx: Context) -> None:
        await ctx.run_node(loans, "?")

    flow = await record(Workflow(name="Graph", edges=[("START", run)]), ["?"], tmp_path)

    assert "rerun_on_resume=True" in str(flow.errors[0])


async def test_a_join_gives_answers_by_the_names_of_its_nodes_in_no_order(tmp_path):
    got = []
    names = [f"Node_{number}" for number in range(12)]
    model = Scripted(script={name: [name] for name in names})

    def take(node_input: dict[str, str]) -> None:
        got.append(node_input)

    nodes = tuple(agent(name, model) for name in names)
    graph = Workflow(name="Graph", edges=[("START", nodes, JoinNode(name="join"), take)])
    await record(graph, ["?"], tmp_path)

    assert got == [{name: name for name in names}]


async def test_runs_of_a_node_are_numbered_from_1_in_each_turn(tmp_path):
    numbers = []

    def count(ctx: Context) -> None:
        numbers.append(ctx.run_id)
        ctx.route = "again" if len(numbers) % 2 else "out"

    again = FunctionNode(func=count, name="count")
    graph = Workflow(name="Graph", edges=[("START", again, {"again": again, "out": end})])
    await record(graph, ["a", "b"], tmp_path)

    assert numbers == ["1", "2", "1", "2"]


@pytest.mark.parametrize("construct", ["single_turn", "task"])
async def test_who_is_called_within_the_session_is_offered_a_transfer_too(construct, tmp_path):
    model = Watched(script=SCRIPTS[construct])

    await record(wired(model, construct), ["?"], tmp_path)

    assert "transfer_to_agent" in model.to("Loans")[0].tools


@pytest.mark.parametrize("construct", DEPRECATED)
def test_deprecated_agents_are_made_without_a_warning(construct):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        assert isinstance(wired(Scripted(), construct), BaseAgent)
        with pytest.raises(DeprecationWarning):
            SequentialAgent(name="Steps", sub_agents=[])


# What the recorder makes of graphs


async def test_a_function_of_a_graph_that_runs_an_agent_is_passed_over(tmp_path):
    model = Scripted(script={"Loans": ["5%."]})
    loans = agent("Loans", model)

    async def run(ctx: Context) -> None:
        await ctx.run_node(loans, "?", use_as_output=True)

    node = FunctionNode(func=run, name="run", rerun_on_resume=True)
    flow = await record(Workflow(name="Graph", edges=[("START", node)]), ["?"], tmp_path)

    assert flow.control == expected("""
        start user to Graph
        Graph -> run (node)
        run -> Loans (node)
        run <- Loans
        Graph <- run
        end Graph to user
    """)


async def test_a_graph_that_is_a_tool_leaves_the_turn_to_its_agent(tmp_path):
    model = Scripted(script={"Root": [call("Graph", request="x"), "So."], "Loans": ["5%."]})
    graph = Workflow(name="Graph", input_schema=str, edges=[("START", agent("Loans", model))])

    flow = await record(agent("Root", model, tools=[graph]), ["?"], tmp_path, model=model)

    assert flow.control == expected("""
        start user to Root
        Root -> Graph (node_tool)
        Graph -> Loans (node)
        Graph <- Loans
        Root <- Graph
        end Root to user
    """)


async def test_agents_of_a_parallel_agent_fork_and_join(tmp_path):
    model = Scripted(script={"A": ["a", "a"], "B": ["b", "b"]})
    pair = ParallelAgent(name="Pair", sub_agents=[agent("A", model), agent("B", model)])

    root = LoopAgent(name="Loop", sub_agents=[pair], max_iterations=2)
    flow = await record(root, ["?"], tmp_path)

    kinds = [move.kind for move in flow.moves if move.source == "Pair"]
    assert kinds == ["fork", "call", "call", "join", "return"] * 2
