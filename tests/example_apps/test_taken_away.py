"""Each example, copied to an empty folder: it is small, and runs with nothing but adk-flow."""

import ast
import shutil
import sys
from pathlib import Path

import pytest

from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions, read_conversation
from tests.doubles.command import own_modules, run_command, run_program
from tests.doubles.desk import ROOT
from tests.doubles.pages import Page

CALLS = {
    "calculator": [(17, 12), (6, 2)],
    "evening_brief": [(10, 3), (10, 3)],
    "translation": [(4, 0), (4, 0)],
    "content": [(11, 2), (7, 1)],
    "plain_callbacks": [(4, 1), (3, 1), (3, 1)],
}
"""LLM and tool calls of each turn, counted by hand from plan and wiring."""
LINES = dict.fromkeys(CALLS, 250) | {"plain_callbacks": 80}
OWN = {"adk_flow", "google", "pydantic", "yaml"}
NO_PLAN = "Without a language model this app plays only its plans: ask "


@pytest.fixture
def copied(tmp_path, monkeypatch):
    for name in ("MODEL_NAME", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ADK_FLOW_DIR", str(tmp_path / "flow_logs"))

    def copy(name: str) -> Path:
        ignored = shutil.ignore_patterns("__pycache__", ".adk")
        return shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=ignored)

    return copy


def test_these_are_all_examples():
    assert {path.parent.name for path in (ROOT / "examples").glob("*/agent.py")} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_an_example_is_small(name):
    files = (ROOT / "examples" / name).rglob("*.py")

    assert sum(len(file.read_text().splitlines()) for file in files) <= LINES[name]


@pytest.mark.parametrize("name", CALLS)
def test_an_example_imports_only_itself_and_what_adk_flow_brings(name):
    for file in (ROOT / "examples" / name).rglob("*.py"):
        nodes = [*ast.walk(ast.parse(file.read_text()))]
        named = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        named |= {node.module or "" for node in froms if not node.level}
        assert {one.partition(".")[0] for one in named} <= OWN | sys.stdlib_module_names, file
        assert {node.level for node in froms} <= {0, 1}, file


@pytest.mark.parametrize("name", CALLS)
async def test_a_copy_plays_its_conversation(name, copied, tmp_path):
    folder = copied(name)
    with own_modules():
        app = load_app(folder)
    conversation = read_conversation(folder / "conversation.yaml")

    run = await run_conversation(app, conversation, file=tmp_path / "log.jsonl")

    assert run.failed_checks == [[] for _ in conversation.turns]
    assert run.faults == 0
    assert [(turn.llm_calls, turn.tool_calls) for turn in run.turns] == CALLS[name]


@pytest.mark.parametrize("name", CALLS)
async def test_anything_else_gets_one_honest_line(name, copied, tmp_path):
    folder = copied(name)
    with own_modules():
        app = load_app(folder)

    run = await run_conversation(app, of_questions(["Hi?"]), file=tmp_path / "log.jsonl")

    assert [(turn.llm_calls, turn.failed) for turn in run.turns] == [(0, False)]
    assert run.turns[0].answer.startswith(NO_PLAN)
    assert "\n" not in run.turns[0].answer


@pytest.mark.parametrize("name", CALLS)
def test_adk_run_plays_a_turn_whose_words_are_said(name, copied, tmp_path):
    conversation = read_conversation(copied(name) / "conversation.yaml")
    said, wanted = conversation.turns[0].say, conversation.turns[0]

    done = run_program("adk", "run", "--in_memory", name, " ".join(said.split()), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    figures = [f"{check.value:,g}" for check in wanted.numbers]
    assert [words for words in (*wanted.contains, *figures) if words not in done.stdout] == []


@pytest.mark.parametrize("name", CALLS)
def test_the_commands_of_its_page_run(name, copied, tmp_path):
    copied(name)

    for line in Page(f"examples/{name}/README.md").commands:
        _, *words = line.split()
        done = run_command(*words, folder=tmp_path, MODEL_NAME="offline")
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert done.stdout
