"""A model from a file of decisions, strict about steps not expected and steps left over."""

import asyncio
from pathlib import Path

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools import FunctionTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow

from adk_flow.check.snapshot import draw_snapshot
from adk_flow.errors import AdkFlowError
from adk_flow.models.decisions import DecisionError, decided, read_decisions
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from adk_flow.wiring import wire
from tests.doubles.flow import agent, expected

LEAD = """
decisions:
  - agent: Lead
    steps:
      - calls:
          - name: Child
            arguments: {request: two}
          - name: Child
            arguments: {request: three}
      - text: Both are done.
  - agent: Child
    request: two
    steps:
      - calls: [{name: double, arguments: {number: 2}}]
      - text: "4"
  - agent: Child
    request: three
    steps:
      - calls: [{name: double, arguments: {number: 3}}]
      - text: "6"
"""


def double(number: float) -> float:
    return 2 * number


def team(tool=double) -> App:
    child = agent("Child", "offline", tools=[tool])
    lead = agent("Lead", "offline", tools=[AgentTool(child)])
    return App(name="app", root_agent=lead)


def file_of(folder, text: str) -> Path:
    file = folder / "decisions.yaml"
    file.write_text(text)
    return file


async def held_by(app, folder, text, *questions):
    app, script = decided(app, file_of(folder, text))
    held = await run_conversation(app, of_questions(list(questions)), file=folder / "log.jsonl")
    return held, script


async def test_each_agent_does_what_is_laid_down_for_its_request(tmp_path):
    held, script = await held_by(team(), tmp_path, LEAD, "Go")

    script.finish()
    assert held.turns[0].answer == "Both are done."
    assert sorted(move.text for move in held.moves if move.kind == "answer") == ["4", "6"]
    assert held.turns[0].llm_calls == 6


async def test_the_same_request_twice_at_once_is_played_side_by_side(tmp_path):
    meeting = asyncio.Barrier(2)

    async def double(number: float) -> float:
        await meeting.wait()  # neither goes on before the other has come here
        return 2 * number

    text = LEAD.replace("three", "two").replace("number: 3", "number: 2").replace("6", "4")
    held, script = await held_by(team(double), tmp_path, text, "Go")

    script.finish()
    assert [move.text for move in held.moves if move.kind == "answer"] == ["4", "4"]


async def test_an_argument_may_be_called_name(tmp_path):
    def greet(name: str) -> str:
        return f"Hello, {name}"

    text = """
decisions:
  - agent: Lead
    steps: [{calls: [{name: greet, arguments: {name: Ada}}]}, {text: Done.}]
"""
    app = App(name="app", root_agent=agent("Lead", "offline", tools=[greet]))
    held, script = await held_by(app, tmp_path, text, "Greet")

    script.finish()
    assert (held.turns[0].answer, held.turns[0].tool_calls) == ("Done.", 1)


async def test_entries_without_a_request_are_played_turn_by_turn(tmp_path):
    text = """
decisions:
  - agent: Lead
    steps: [{text: First.}]
  - agent: Lead
    steps: [{text: Second.}]
"""
    held, script = await held_by(team(), tmp_path, text, "One", "Two")

    script.finish()
    assert [turn.answer for turn in held.turns] == ["First.", "Second."]


async def test_a_transfer_words_beside_a_call_and_a_fault_can_be_decided(tmp_path):
    text = """
decisions:
  - agent: Lead
    request: Hand over
    steps: [{text: I pass you on., transfer: Child}]
  - agent: Child
    request: Hand over
    steps:
      - {text: I look., calls: [{name: double, arguments: {number: 1}}]}
      - error: the model is busy
"""
    lead = agent("Lead", "offline", sub_agents=[agent("Child", "offline", tools=[double])])
    app = App(name="app", root_agent=lead)

    held, script = await held_by(app, tmp_path, text, "Hand over")

    script.finish()
    assert held.turns[0].failed
    assert "the model is busy" in held.turns[0].error
    assert draw_snapshot([move for move in held.moves if move.is_control]) == expected("""
        start user to Lead
        Lead => Child
        end Child to user FAILED
    """)


@pytest.mark.parametrize("construct", ["router", "coordinator", "best_of_n", "single_turn"])
async def test_agents_inside_graphs_are_reached_too(construct, tmp_path):
    lead, child = agent("Lead", "offline"), agent("Child", "offline", tools=[double])
    root = wire(lead, [child], construct)
    assert isinstance(root, (LlmAgent, Workflow))
    app = App(name="app", root_agent=root)

    held, _ = await held_by(app, tmp_path, "decisions: [{agent: X, steps: [{text: x}]}]", "Go")

    # Nothing is laid down for them, so whoever is asked first says so.
    assert "nothing is laid down for" in held.turns[0].error


async def test_a_request_that_is_not_laid_down_ends_the_turn_with_who_asked_what(tmp_path):
    text = LEAD.replace("request: two}", "request: four}")
    held, script = await held_by(team(), tmp_path, text, "Go")

    assert held.turns[0].failed
    error = f"{script.path}: nothing is laid down for Child, asked “four”"
    assert error in held.turns[0].error
    with pytest.raises(DecisionError, match="line 11: Child, asked “two”: 2 of 2"):
        script.finish()


async def test_one_step_too_many_names_the_line(tmp_path):
    held, script = await held_by(team(), tmp_path, LEAD.replace('      - text: "4"\n', ""), "Go")

    assert "line 11: Child, asked “two”, came for one step more" in held.turns[0].error
    assert "decisions.yaml" in script.path


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "is empty; expected decisions"),
        ("decisions: []", "line 1: decisions is empty"),
        ("decisions: [", "line 1: "),
        (
            "decisions:\n  - agent: A\n    steps: [text: x]\n    agent: B",
            "line 4: 'agent' stands twice, first on line 2",
        ),
        ("about: Nothing", "line 1: Object missing required field `decisions`"),
        ("decisions:\n  - agent: A\n    steps: []", "line 3: decisions[0].steps is empty"),
        ("decisions:\n  - agent: A\n    steps:\n      - {}", "line 4: decisions[0].steps[0]: exp"),
        (
            "decisions:\n  - agent: A\n    steps:\n      - {text: x, error: y}",
            "line 4: decisions[0].steps[0]: expected text, calls or transfer, or else error alone",
        ),
        (
            "decisions:\n  - agent: A\n    steps:\n      - text: 4",
            "line 4: decisions[0].steps[0].text: expected text, got a whole number",
        ),
        (
            "decisions:\n  - agent: A\n    steps:\n      - call: x",
            "line 4: decisions[0].steps[0]: unknown field `call`",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_line_and_field(text, error, tmp_path):
    file = file_of(tmp_path, text)

    with pytest.raises(AdkFlowError) as raised:
        read_decisions(file)

    assert str(raised.value).startswith(f"{file}: {error}")


PAYS = """
decisions:
  - agent: Bank
    request: Pay 7
    steps: [{calls: [{name: pay, arguments: {amount: 7}}]}]
  - agent: Bank
    request: "yes"
    steps: [{text: Paid.}]
"""


async def test_the_words_that_answer_a_pause_find_their_entry_once_the_tool_ran(tmp_path):
    paid = []

    def pay(amount: int) -> str:
        """Pays."""
        paid.append(amount)
        return "paid"

    tool = FunctionTool(pay, require_confirmation=True)
    app = App(name="bank", root_agent=agent("Bank", "gemini-2.5-flash", tools=[tool]))
    app, script = decided(app, file_of(tmp_path, PAYS))

    run = await run_conversation(app, ["Pay 7", "yes"], file=tmp_path / "flow.jsonl")

    script.finish()
    asked, answered = run.turns
    assert (asked.waits_for, asked.answered_by, asked.tool_calls) == (["Bank"], "", 0)
    assert (answered.answer, answered.tool_calls, paid) == ("Paid.", 1, [7])


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(AdkFlowError, match=r"none\.yaml: cannot be read"):
        read_decisions(tmp_path / "none.yaml")
