"""Several agents, graphs or functions of one name are told apart by their places."""

import pytest
from google.adk.agents import BaseAgent, SequentialAgent
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, FunctionNode, Workflow

from adk_flow.analysis.visibility import trace_visibility
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.findings import found
from tests.doubles.flow import agent, expected, record


def said(name, *decisions, **options):
    """An agent with a model of its own, which knows how often it was asked."""
    return agent(name, Scripted(script={name: list(decisions)}), **options)


def tools():
    def asking(name, *then):
        helper = said("Helper", f"{name} helps.")
        return said(name, call("Helper", request="?"), *then, tools=[AgentTool(helper)])

    team = [asking("Tech", transfer("Bill")), asking("Bill", "Done.")]
    return said("Root", transfer("Tech"), sub_agents=team)


def tool_of_its_own_name():
    return said(
        "Helper", call("Helper", request="?"), "Done.", tools=[AgentTool(said("Helper", "x"))]
    )


def graphs():
    inner = Workflow(name="inner", edges=[(START, said("Clerk", "one"))])
    return Workflow(name="outer", edges=[(START, inner), (inner, said("Clerk", "two"))])


def graph_in_graph_of_its_name():
    inner = Workflow(name="flow", edges=[(START, said("Clerk", "one"))])
    return Workflow(name="flow", edges=[(START, inner), (inner, said("Boss", "two"))])


def function_of_an_agents_name():
    inner = Workflow(name="inner", edges=[(START, said("Clerk", "one"))])
    clerk = FunctionNode(func=lambda node_input: "worked", name="Clerk")
    return Workflow(name="outer", edges=[(START, inner), (inner, clerk)])


def sequences():
    stages: list[BaseAgent] = [
        SequentialAgent(name=n, sub_agents=[said("Clerk", n)]) for n in ("A", "B")
    ]
    return SequentialAgent(name="S", sub_agents=stages)


TREES = {
    tools: (
        "Tech, Tech/Helper, Bill, Bill/Helper",
        {"Root": 1, "Tech/Helper": 1, "Bill/Helper": 1},
    ),
    tool_of_its_own_name: ("Helper/Helper", {"Helper": 2, "Helper/Helper": 1}),
    graphs: ("inner, inner/Clerk, Clerk", {"inner/Clerk": 1, "Clerk": 1}),
    graph_in_graph_of_its_name: ("flow/flow, Clerk, Boss", {"Clerk": 1, "Boss": 1}),
    function_of_an_agents_name: ("inner, inner/Clerk, Clerk", {"inner/Clerk": 1}),
    sequences: ("A, A/Clerk, B, B/Clerk", {"A/Clerk": 1, "B/Clerk": 1}),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("grow", TREES, ids=lambda grow: grow.__name__)
async def test_calls_moves_and_sights_are_of_the_one_that_was_called(grow, tmp_path):
    targets, calls = TREES[grow]

    flow = await record(grow(), ["Go."], tmp_path)

    assert not flow.errors
    (turn,) = flow.figures
    begun = [m.target for m in flow.trace.moves if m.kind in ("call", "transfer")]
    back = [m.source for m in flow.trace.moves if m.kind == "return"]
    assert ", ".join(begun) == targets
    assert set(back) <= set(begun)
    asked = {name: figures.llm_calls for name, figures in turn.agents.items()}
    assert {name: asked.get(name) for name in calls} == calls
    assert set(calls) <= set(trace_visibility(flow.trace).agents)


async def test_agents_of_one_name_are_told_apart_and_the_silent_change_is_a_finding(tmp_path):
    def branch(name, *decisions):
        helps = agent("Help", Scripted(script={"Help": [f"{name} helps."] * 2}))
        return agent(name, Scripted(script={name: list(decisions)}), sub_agents=[helps])

    both = [branch("Billing"), branch("Tech", transfer("Help"))]
    root = agent("Root", Scripted(script={"Root": [transfer("Tech")]}), sub_agents=both)

    flow, told = await found(root, ["a", "b"], tmp_path)

    assert flow.picture == expected("""
        start user to Root
        user say Root "a"
        Root => Tech
        Tech => Tech/Help
        Tech/Help reply user "Tech helps."
        end Tech/Help to user

        start user to Billing/Help
        user say Billing/Help "b"
        Billing/Help reply user "Billing helps."
        end Billing/Help to user
    """)
    assert [one.kind for one in told] == ["unexpected_holder"]
    assert told[0].text.startswith(
        "Tech/Help answered the user, but the next message goes to Billing/Help"
    )
