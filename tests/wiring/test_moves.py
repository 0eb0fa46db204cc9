"""The moves of the same lead and specialists under each construct, and their model calls."""

import re

import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted
from adk_flow.wiring import CONSTRUCTS, DEPRECATED, wire
from tests.doubles.flow import agent, expected, record
from tests.doubles.teams import SCRIPTS, team, wired

ALONE = """
    start user to Lead
    user say Lead "Cost?"
    Lead reply user "5%."
    end Lead to user
"""
CALLED = """
    start user to Lead
    user say Lead "Cost?"
    Lead -> Loans (agent_tool)
    Lead ask Loans "How dear?"
    Loans answer Lead "5%."
    Lead <- Loans
    Lead reply user "It is 5%."
    end Lead to user
"""
PICTURES = {
    "single_agent": ALONE,
    "advisor": ALONE,
    "skills": ALONE,
    "transfer": """
        start user to Lead
        user say Lead "Cost?"
        Lead => Loans
        Loans reply user "5%."
        end Loans to user
    """,
    "agent_tool": CALLED,
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
    "mixed": CALLED,
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


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_agents_of_another_tree_are_taken_without_its_wiring(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])
    _, (loans, funds) = team(model, mode="task")
    tree = agent("Lead", model, sub_agents=[loans], tools=[AgentTool(funds)])

    root = wire(tree, [loans, funds], construct, called=["Loans"])
    flow = await record(root, ["Cost?"], tmp_path, model=model)

    assert flow.picture == expected(PICTURES[construct])
    assert (loans.parent_agent, loans.mode) == (tree, "task")
