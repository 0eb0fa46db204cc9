"""The advice desk, run by ADK's own command and by adk-flow, on the offline model."""

import os

import pytest

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions, read_conversation
from callbacks.guidance_notice import NOTICE
from tests.doubles.command import run_program
from tests.doubles.desk import ROOT
from tests.doubles.flow import expected


@pytest.fixture(scope="module")
def desk():
    os.environ["MODEL_NAME"] = "offline"
    return load_app(ROOT / "root_agent")


async def test_three_topics_and_a_return_take_every_way_through_the_desk(desk, tmp_path):
    talk = read_conversation(ROOT / "conversations" / "three_topics.yaml")

    held = await run_conversation(desk, talk, file=tmp_path / "log.jsonl")

    assert held.failed_checks == [[], [], [], []]
    assert held.faults == 0
    assert draw_snapshot([move for move in held.moves if move.is_control]) == expected("""
        start user to Root_Agent
        Root_Agent => Investment_Agent
        end Investment_Agent to user

        start user to Investment_Agent
        Investment_Agent => Pension_Agent
        end Pension_Agent to user

        start user to Pension_Agent
        Pension_Agent => Root_Agent
        Root_Agent -> Mortgage_Agent (agent_tool)
        Root_Agent <- Mortgage_Agent
        end Root_Agent to user

        start user to Root_Agent
        Root_Agent => Investment_Agent
        end Investment_Agent to user
    """)
    assert [turn.answered_by for turn in held.turns] == [turn.active_agent for turn in held.turns]
    assert [NOTICE in turn.answer for turn in held.turns] == [True, False, False, False]


def test_adk_run_answers_and_writes_the_log(tmp_path):
    question = "What would a £250,000 mortgage at 4.5% over 25 years cost a month?"
    ran = run_program(
        *("adk", "run", "--in_memory", "root_agent", question),
        folder=ROOT,
        MODEL_NAME="offline",
        ADK_FLOW_DIR=str(tmp_path),
    )

    assert "[Root_Agent]: A repayment mortgage of £250,000" in ran.stdout
    assert "£1,389.58 a month" in ran.stdout
    (path,) = tmp_path.rglob("*.jsonl")
    found = read_trace(path).moves
    assert draw_snapshot([move for move in found if move.is_control]) == expected("""
        start user to Root_Agent
        Root_Agent -> Mortgage_Agent (agent_tool)
        Root_Agent <- Mortgage_Agent
        end Root_Agent to user
    """)
    assert [move.kind for move in found if not move.is_control] == ["say", "ask", "answer", "reply"]


def test_a_missing_key_ends_adk_run_in_one_line_before_the_first_question(tmp_path):
    ran = run_program(
        *("adk", "run", "--in_memory", "root_agent", "Hi"),
        folder=ROOT,
        MODEL_NAME="gemini-2.5-flash",
        ADK_FLOW_DIR=str(tmp_path),
    )

    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("adk-flow: MODEL_NAME=gemini-2.5-flash needs GOOGLE_API_KEY")


TWO_PARTS = (
    "What is the loan to value of £180,000 on a £240,000 home, and what stamp duty would I pay on "
    "£240,000?"
)


@pytest.mark.parametrize(
    ("question", "specialist", "figures"),
    [
        (TWO_PARTS, "Mortgage_Agent", "75%, £2,300"),
        ("Can I borrow £300,000 if I earn £60,000?", "Mortgage_Agent", "place for “£300,000”"),
        ("How much can I borrow on a £60,000 salary?", "Mortgage_Agent", "£270,000"),
        ("What would £250,000 at 450% over 25 years cost?", "Mortgage_Agent", "between 0 and 25"),
        ("What is an ISA?", "Investment_Agent", "wrapper"),
        ("How much tax relief on £8,000 gross if I earn £80,000?", "Pension_Agent", "£4,800"),
        ("What would £500 a month grow to in 20 years at 6%?", "Investment_Agent", "£226,719.32"),
        (
            "What is the stamp duty on a £310,000 house for a first-time buyer?",
            "Mortgage_Agent",
            "£500",
        ),
        (
            "I paid £5,000 into an ISA this year, how much more can I pay in?",
            "Investment_Agent",
            "£15,000",
        ),
    ],
)
async def test_sums_go_to_the_argument_that_they_are_called_by(
    desk, tmp_path, question, specialist, figures
):
    held = await run_conversation(desk, of_questions([question]), file=tmp_path / "log.jsonl")

    assert specialist in {move.target for move in held.moves}
    assert [one for one in figures.split(", ") if one not in held.turns[0].answer] == []


@pytest.mark.parametrize(
    "question",
    ["What is the weather in Leeds?", "Write me a poem about the sea.", "Hello!"],
)
async def test_what_is_nobodys_is_asked_back_and_routed_nowhere(desk, tmp_path, question):
    held = await run_conversation(desk, of_questions([question]), file=tmp_path / "log.jsonl")

    assert [move.kind for move in held.moves] == ["start", "say", "reply", "end"]
    assert held.turns[0].answered_by == "Root_Agent"
    assert "Pension agent" in held.turns[0].answer


async def test_a_missing_figure_is_asked_for_and_filled_from_the_next_turn(desk, tmp_path):
    talk = of_questions(["What would £300 a month grow to in 10 years?", "5%"])
    held = await run_conversation(desk, talk, file=tmp_path / "log.jsonl")

    assert "annual growth" in held.turns[0].answer or "growth a year" in held.turns[0].answer
    assert "£46,308.95" in held.turns[1].answer
