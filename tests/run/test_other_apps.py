"""What adk-flow makes of other people's apps that print, fail elsewhere or lack a package."""

import json
import sys
from importlib.util import find_spec

import pytest

from adk_flow.errors import AdkFlowError
from adk_flow.run.app import load_app
from tests.doubles.command import run_command, run_program

PRINTING = """
from google.adk.agents import LlmAgent

print("The agent is made.")


def rate() -> str:
    '''Gives the rate of a loan.'''
    print("The rate is read.")
    return "5%"


loans = LlmAgent(name="loans", description="Tells the rate of a loan.", tools=[rate])
root_agent = LlmAgent(name="lead", model="gemini-2.5-flash", sub_agents=[loans])
"""
QUESTION = "What is the rate of a loan?"


def written(name, text, folder):
    (folder / name).mkdir()
    (folder / name / "agent.py").write_text(text)
    return name


@pytest.mark.parametrize(
    ("command", "begins", "prints"),
    [
        (("inspect", "--format", "json"), '{"app":', 1),
        (("inspect", "--format", "mermaid"), "flowchart TD\n", 1),
        (("run", QUESTION, "--model", "offline", "--format", "json"), '{"log":', 2),
        (("compare", "--format", "json"), '{"setting":', 2),
        (("compare", "--format", "markdown"), "# ", 2),
    ],
)
def test_what_an_app_prints_stays_out_of_what_a_machine_reads(command, begins, prints, tmp_path):
    app = written("printing", PRINTING, tmp_path)
    asked = ("--question", QUESTION, "--model", "offline", "--constructs", "transfer,agent_tool")
    name, *options = command

    result = run_command(
        name, app, *options, *(asked if name == "compare" else ()), folder=tmp_path
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(begins)
    told = ("The agent is made.", "The rate is read.")[:prints]
    assert all(words in result.stderr and words not in result.stdout for words in told)
    if begins.startswith("{"):
        json.loads(result.stdout)


def test_what_an_app_prints_stands_among_what_a_person_reads(tmp_path):
    app = written("printing", PRINTING, tmp_path)

    result = run_command("run", app, QUESTION, "--model", "offline", folder=tmp_path)

    assert result.stderr == ""
    assert "The agent is made." in result.stdout
    assert "The rate is read." in result.stdout


REMOTE = """
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent

root_agent = RemoteA2aAgent(name="far", agent_card="http://localhost:1/card.json")
"""


def test_a_package_above_the_app_is_found_for_its_owner(tmp_path):
    for folder in ("shared", "apps"):
        (tmp_path / folder).mkdir()
    app = tmp_path / "apps" / written("lacking", "\nimport shared.prices", tmp_path / "apps")

    with pytest.raises(AdkFlowError) as refused:
        load_app(app)
    assert str(refused.value).endswith(
        f"No module named 'shared' ({app / 'agent.py'}:2); it lies in {tmp_path}: run with "
        f"PYTHONPATH={tmp_path}"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import google.adk.flows.nothing", "has none: the app is of another release"),
        ("\n{}['chain']", "(KeyError, {file}:2)"),
        ("\n\n1 / 0", "division by zero (ZeroDivisionError, {file}:3)"),
    ],
)
def test_why_an_app_cannot_be_imported_is_told_with_its_line(text, words, tmp_path):
    file = tmp_path / written("failing", text, tmp_path) / "agent.py"

    with pytest.raises(AdkFlowError) as refused:
        load_app(file.parent)
    assert str(refused.value).endswith(words.replace("{file}", str(file)))


@pytest.mark.skipif(find_spec("a2a") is not None, reason="a2a is installed")
def test_the_package_that_an_app_lacks_is_named_as_python_names_it(tmp_path):
    other = written("printing", PRINTING, tmp_path)
    lacking = written("lacking", REMOTE, tmp_path)

    # After another app was loaded too, as in a test session.
    for apps in ([lacking], [other, lacking]):
        code = "from adk_flow.run.app import load_app as load\n"
        code += "\n".join(f"load({app!r})" for app in apps)
        with pytest.raises(AdkFlowError, match=r"module\. No module named 'a2a' \(.*; install"):
            run_program(sys.executable, "-c", code, folder=tmp_path)
