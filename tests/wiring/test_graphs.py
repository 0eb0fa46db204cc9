"""What the wirings rely on in graphs of google-adk 2.13, and what the recorder makes of them."""

import warnings

import pytest
from google.adk.agents import BaseAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.agents.context import Context
from google.adk.workflow import FunctionNode, JoinNode, Workflow

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted
from adk_flow.wiring import DEPRECATED
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched
from tests.doubles.teams import SCRIPTS, wired


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


async def test_agents_of_a_parallel_agent_fork_and_join(tmp_path):
    model = Scripted(script={"A": ["a", "a"], "B": ["b", "b"]})
    pair = ParallelAgent(name="Pair", sub_agents=[agent("A", model), agent("B", model)])

    root = LoopAgent(name="Loop", sub_agents=[pair], max_iterations=2)
    flow = await record(root, ["?"], tmp_path)

    kinds = [move.kind for move in flow.moves if move.source == "Pair"]
    assert kinds == ["fork", "call", "call", "join", "return"] * 2
