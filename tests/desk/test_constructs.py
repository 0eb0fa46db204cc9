"""The desk under every construct, as ADK's commands and adk-flow run it, on the offline model."""

import os
import sys
from importlib.metadata import packages_distributions

import pytest

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import ALONE, of_questions
from adk_flow.wiring import CONSTRUCTS, ON_DEMAND
from callbacks.guidance_notice import NOTICE
from tests.doubles.command import run_program
from tests.doubles.desk import ANSWER, CONSTRUCT_FOLDERS, FOLLOW_UP, QUESTION, ROOT
from tests.doubles.served import Chat, serving

CALLS = {
    "single_agent": (2, 4),
    "advisor": (2, 4),  # the offline model consults nobody
    "skills": (3, 5),
    "transfer": (3, 5),
    "agent_tool": (4, 8),
    "agent_tool_skip_summarization": (3, 6),
    "mixed": (3, 5),
    "single_turn": (4, 8),
    "task": (4, 8),
    "router": (3, 6),
    "classifier_router": (2, 4),
    "router_many": (4, 8),
    "coordinator": (4, 8),
    "best_of_n": (7, 14),
}
"""Model calls after the question, and after its follow-up. Where every specialist of a stage is
asked, the number of its tool calls is the offline model's choice."""


@pytest.fixture(autouse=True, scope="module")
def offline():
    os.environ["MODEL_NAME"] = "offline"


def test_there_is_a_folder_for_each_construct():
    assert {path.parent.name for path in CONSTRUCT_FOLDERS.glob("*/agent.py")} == {
        *CONSTRUCTS,
        *ON_DEMAND,
    }


def test_no_folder_is_named_like_a_module_that_is_installed():
    # `adk run constructs/task` makes it the module `task`.
    taken = {*CONSTRUCTS, *ON_DEMAND} & {*sys.stdlib_module_names, *packages_distributions()}
    assert not taken


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_the_desk_answers_a_question_and_its_follow_up(construct, tmp_path):
    app = load_app(CONSTRUCT_FOLDERS / construct)

    held = await run_conversation(
        app, of_questions([QUESTION, FOLLOW_UP]), file=tmp_path / "log.jsonl"
    )

    first, second = held.turns
    assert app.name == construct
    texts = [message.text for turn in (first, second) for message in turn.messages]
    assert "".join(texts).count(NOTICE) == 1
    assert held.faults == 0
    assert not first.failed
    assert not second.failed
    calls = (first.seen_llm_calls, first.seen_llm_calls + second.seen_llm_calls)
    assert calls == CALLS.get(construct, calls)
    assert "Pension_Agent" in {move.source for move in held.moves} or construct in ALONE


@pytest.mark.parametrize("command", [["adk", "run", "--in_memory"], ["adk-flow", "run"]])
def test_a_construct_runs_from_any_folder(command, tmp_path):
    ran = run_program(
        *(*command, CONSTRUCT_FOLDERS / "router", QUESTION),
        folder=tmp_path,
        ADK_FLOW_DIR=str(tmp_path),
        ADK_FLOW_NARRATE="0",
    )

    assert ran.returncode == 0, ran.stderr
    assert ANSWER in ran.stdout
    (path,) = tmp_path.glob("router/*.jsonl")
    assert [turn.answered_by for turn in measure(read_trace(path))] == ["Pension_Agent"]


@pytest.mark.environments
def test_adk_web_lists_and_runs_every_construct(tmp_path):
    with serving(ROOT, tmp_path) as client:
        listed = client.get("/list-apps").json()
        apps = [f"constructs.{construct}" for construct in CONSTRUCTS]
        answers = {app: Chat(client, app).say([QUESTION]).text for app in apps}

    assert set(apps) < set(listed)
    assert [app for app, text in answers.items() if ANSWER not in text] == []
