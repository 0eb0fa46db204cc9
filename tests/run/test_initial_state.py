"""What a session's state holds when a conversation begins: `state:` in its file, and `--state`."""

import json

import pytest
from google.adk.apps import App

from adk_flow.errors import AdkFlowError
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import (
    of_questions,
    read_state,
    with_state,
)
from tests.doubles.command import assert_refused, run_command, write_app
from tests.doubles.flow import agent

APP = """
from google.adk.agents import LlmAgent
from google.adk.tools import ToolContext

def topic_of(tool_context: ToolContext) -> str:
    \"\"\"Says what the topic is.\"\"\"
    return f"The topic is {tool_context.state['topic']}, at {tool_context.state['size']}."

expert = LlmAgent(name="Expert", model="offline", description="Knows of cars.")
root_agent = LlmAgent(
    name="Writer",
    model="offline",
    instruction="Write about {topic} in {size} words.",
    tools=[topic_of],
    sub_agents=[expert],
)
"""
ASKED = "What is the topic?"


@pytest.fixture
def app(tmp_path):
    return write_app(tmp_path / "writer", APP)


def talk(folder, text):
    file = folder / "talk.yaml"
    file.write_text(f"turns: [say: '{ASKED}']\n{text}")
    return file


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((ASKED,), ""),  # without it the app cannot be run
        (("--conversation", "talk.yaml"), "The topic is cats, at 50."),
        (("--conversation", "talk.yaml", "--state", '{"size": 7}'), "The topic is cats, at 7."),
        ((ASKED, "--state", "state.json"), "The topic is cats, at 9."),
        ((ASKED, "--state", "state.yaml"), "The topic is cats, at 9."),
    ],
)
def test_a_session_begins_with_the_state_of_its_file_and_of_the_option(app, tmp_path, words, said):
    talk(tmp_path, "state:\n  topic: cats\n  size: 50\n")
    (tmp_path / "state.json").write_text('{\n\t"topic": "cats",\n\t"size": 9}')
    (tmp_path / "state.yaml").write_text("topic: cats\nsize: 9")

    result = run_command("run", app, *words, folder=tmp_path)

    assert result.returncode == (not said), result.stdout
    assert (said or "topic") in result.stdout


def test_a_comparison_begins_with_it_and_takes_no_other_later(app, tmp_path):
    def compared(size):
        state = json.dumps({"topic": "cats", "size": size})
        constructs = ("--constructs", "as_is,agent_tool", "--out", "out")
        return run_command(
            *("compare", app, *constructs, "--question", ASKED, "--state", state),
            folder=tmp_path,
        )

    first = compared(50)
    assert "2 of 2 runs" in first.stderr
    logs = [path.read_text() for path in (tmp_path / "out" / "logs").rglob("*.jsonl")]
    assert len(logs) == 2
    assert all("The topic is cats, at 50." in log for log in logs)
    assert_refused(compared(51), "conversation question has changed since it was run there")


async def test_a_run_changes_nothing_of_what_the_next_begins_with(tmp_path):
    asked = with_state(of_questions([ASKED]), {"met": []})

    def meet(callback_context):
        callback_context.state["met"].append("somebody")

    root = agent("Lead", "offline", before_agent_callback=meet)
    await run_conversation(App(name="app", root_agent=root), asked, file=tmp_path / "log.jsonl")

    assert asked.state == {"met": []}


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("[1]", 'state [1]: expected a JSON object such as \'{"topic": "cats"}\', or the path'),
        ("x" * 5000, ": expected a JSON object such as"),
        ('{"topic": }', "state: line 1, column 11: Expecting value; expected a JSON object"),
        ('{"topic": 1} 2', "state: line 1, column 14: Extra data; expected a JSON object"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(option, reason):
    with pytest.raises(AdkFlowError) as error:
        read_state(option)

    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("s.json", "[1]", "line 1: expected a JSON object"),
        ("s.json", '{\n"a": 1,\n}', "line 3, column 1: Expecting property name"),
        ("s.json", "", "line 1, column 1: Expecting value"),
        ("s.yaml", "- 1", "line 1: expected names with values, got a list"),
        ("s.yaml", "", "is empty; expected a mapping"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(tmp_path, name, text, reason):
    file = tmp_path / name
    file.write_text(text)

    with pytest.raises(AdkFlowError) as error:
        read_state(str(file))

    assert str(error.value).startswith(f"{file}: {reason}")


def test_the_command_says_so_in_one_line(app, tmp_path):
    assert_refused(
        run_command("run", app, ASKED, "--state", "none.json", folder=tmp_path),
        "--state none.json: ",
    )
    assert_refused(
        run_command("compare", app, "--question", ASKED, "--state", "{", folder=tmp_path),
        "--state: line 1, column 2: ",
    )
