"""Figures of a turn: what was really done, and what ADK's session shows of it."""

from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, record
from tests.doubles.models import Answering, Hanging


async def figures(root, questions, folder, **options):
    return measure((await record(root, questions, folder, **options)).trace)


async def test_a_transfer_costs_one_call_more_once(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": ["s", "s"]}, tokens=(8, 2))
    root = agent("Root", model, sub_agents=[agent("Savings", model)])

    first, second = await figures(root, ["a", "b"], tmp_path)

    assert (first.llm_calls, first.transfers, first.agent_calls) == (2, 1, 0)
    assert (second.llm_calls, second.transfers, second.agent_calls) == (1, 0, 0)
    assert (first.input_tokens, first.output_tokens) == (16, 4)
    assert first.answered_by == second.answered_by == first.active_agent == "Savings"
    assert first.complete and first.wall_seconds > 0


async def test_the_child_of_an_agent_tool_is_missing_from_what_adk_reports(tmp_path):
    def work() -> dict:
        """Works."""
        return {"summary": "done"}

    model = Scripted(
        script={"Root": [call("Loans", request="x"), "r"], "Loans": [call("work"), "l"]},
        tokens=(25, 5),
    )
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model, tools=[work]))])

    (turn,) = await figures(root, ["a"], tmp_path)

    assert (turn.llm_calls, turn.reported_llm_calls) == (4, 2)
    assert (turn.input_tokens, turn.reported_input_tokens) == (100, 50)
    assert (turn.agent_calls, turn.tool_calls) == (1, 1)
    assert turn.answered_by == turn.active_agent == "Root"


async def test_all_finals_are_listed_and_the_last_one_answers(tmp_path):
    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, sub_agents=[agent("Loans", model, mode="single_turn")])

    (turn,) = await figures(root, ["a"], tmp_path)

    assert [(final.agent, final.text) for final in turn.finals] == [("Loans", "l"), ("Root", "r")]
    assert turn.answered_by == "Root"


async def test_a_waiting_task_agent_holds_the_next_turn(tmp_path):
    model = Scripted(script={"Root": [call("Forms", request="fill")], "Forms": ["Your name?"]})
    root = agent("Root", model, sub_agents=[agent("Forms", model, mode="task")])

    (turn,) = await figures(root, ["a"], tmp_path)

    assert turn.active_agent == "Forms"


async def test_an_answer_in_place_of_the_model_is_no_model_call(tmp_path):
    (turn,) = await figures(
        agent("Root", Scripted()), ["a"], tmp_path, plugins=[Answering("answering")]
    )

    assert (turn.llm_calls, turn.answered_by) == (0, "Root")


async def test_a_failed_call_counts_and_fails_the_turn(tmp_path):
    root = agent("Root", Scripted(script={"Root": [RuntimeError("503 overloaded")]}))

    (turn,) = await figures(root, ["a"], tmp_path)

    assert (turn.llm_calls, turn.failed, turn.answered_by) == (1, True, "")
    assert turn.error == "RuntimeError: 503 overloaded"


class Refusing(Scripted):
    async def generate_content_async(self, llm_request, stream=False):
        yield LlmResponse(error_code="SAFETY", error_message="blocked")


async def test_an_answer_that_is_an_error_fails_the_turn(tmp_path):
    flow = await record(agent("Root", Refusing()), ["a"], tmp_path)

    (turn,) = measure(flow.trace)
    assert (turn.failed, turn.error, turn.answered_by) == (True, "SAFETY: blocked", "")
    assert flow.moves[-1].failed


async def test_a_call_that_was_cut_off_in_flight_counts(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    model = Scripted(script={"Root": [both], "Loans": [RuntimeError("no")]})
    slow = Hanging()
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", slow))]

    (turn,) = await figures(agent("Root", model, tools=tools), ["a"], tmp_path)

    assert turn.llm_calls == 3
