"""The command `adk-flow` as a user types it."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from adk_flow.cli import make_command
from adk_flow.cli.usage_errors import describe_usage
from adk_flow.errors import AdkFlowError
from adk_flow.run.app import find_app
from tests.doubles.command import assert_refused, run_command, write_app


@pytest.fixture
def app(tmp_path):
    return write_app(tmp_path / "desk_app")


def test_run_tells_the_flow_and_where_its_log_lies(app, tmp_path):
    result = run_command("run", app, "Cost?", "Savings?", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "Root calls Loans and waits" in result.stdout
    assert "Root transfers to Savings" in result.stdout
    assert "answered by Savings; next turn goes to Savings" in result.stdout
    log = Path(result.stdout.split("Flow log: ")[1].strip())
    assert (tmp_path / log).is_file()
    assert all(len(line) <= 80 for line in result.stdout.splitlines() if "Flow log" not in line)


def test_show_draws_the_same_from_the_log(app, tmp_path):
    told = run_command("run", app, "Cost?", "--log", "own.jsonl", folder=tmp_path).stdout
    shown = run_command("show", "own.jsonl", folder=tmp_path).stdout

    turn = told[told.index("Turn 1") : told.index("Flow log")].split()
    assert shown[shown.index("Turn 1") :].split() == turn
    diagram = run_command("show", "own.jsonl", "--format", "mermaid", folder=tmp_path).stdout
    assert "\nsequenceDiagram\n" in diagram
    data = json.loads(run_command("show", "own.jsonl", "--format", "json", folder=tmp_path).stdout)
    assert [turn["llm_calls"] for turn in data["turns"]] == [3]
    records = run_command("show", "own.jsonl", "--view", "records", folder=tmp_path).stdout
    assert "before_agent  Loans agent_tool" in records


def test_run_with_json_prints_nothing_else(app, tmp_path):
    data = json.loads(run_command("run", app, "Cost?", "--format", "json", folder=tmp_path).stdout)

    assert data["turns"][0]["answered_by"] == "Root"
    assert [move["kind"] for move in data["moves"]][:3] == ["start", "say", "call"]
    assert (tmp_path / data["log"]).is_file()


def test_show_of_a_folder_takes_its_newest_log_and_names_it(app, tmp_path):
    ran = run_command("run", app, "Cost?", folder=tmp_path).stdout

    shown = run_command("show", "flow_logs", folder=tmp_path).stdout

    assert "user to Root: Cost?" in shown
    assert shown.partition("Flow log: ")[2] == ran.partition("Flow log: ")[2] != ""


def test_a_conversation_that_does_not_hold_exits_with_1(app, tmp_path):
    (tmp_path / "talk.yaml").write_text(
        "turns:\n  - say: Cost?\n    specialist: Savings\n    contains: [7%]\n"
    )
    result = run_command("run", app, "--conversation", "talk.yaml", folder=tmp_path)

    assert result.returncode == 1
    assert "turn 1: lacks '7%'" in result.stdout
    assert "turn 1: Savings took no part" in result.stdout


def test_a_turn_that_fails_exits_with_1_and_keeps_the_log(app, tmp_path):
    result = run_command("run", app, "Cost?", "Savings?", "More?", folder=tmp_path)

    assert result.returncode == 1
    assert "turn 3: failed: ScriptError" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere", "Hi"], "nowhere: does not exist"),
        (["run", "new.jsonl", "Hi"], "new.jsonl: is no ADK app; expected its folder, or a Python"),
        (["inspect", "loop"], "loop"),
        (["export", "loop"], "loop"),
        (["run", "logs", "Hi"], "logs: cannot be loaded as an ADK app"),
        (["run", "broken", "Hi"], "nothing_like_it"),
        (["run", "desk_app"], "nothing is asked: give either a question or --conversation FILE"),
        (
            ["run", "desk_app", "--conversation", "bad.yaml"],
            "bad.yaml: line 2: turns[0]: unknown field `ask`",
        ),
        (["run", "desk_app", "Hi", ""], "question 2 is empty"),
        (["run", "desk_app", "bad.yaml"], "bad.yaml: is a file, and no question; give it by --con"),
        (["plan", "desk_app", "--question", " "], "question 1 is empty"),
        (["run", "desk_app", "Hi", "--log", "new.jsonl"], "exists already"),
        (["run", "desk_app", "Hi", "--log", "desk_app"], "exists already"),
        (["run", "desk_app", "Hi", "--log", "new.jsonl/x.jsonl"], "cannot be written"),
        (["show", "none.jsonl"], "No such file"),
        (["show", "x" * 300], "xxx: cannot be read: File name too long"),
        (["show", "none.jsonl", "--turn", "1", "--record", "1"], "give either --turn or --record"),
        (["show", "new.jsonl"], "schema 99; this adk-flow reads up to 2"),
        (["show", "logs"], "logs: holds no flow log"),
    ],
)
def test_what_cannot_be_run_or_shown_is_refused_in_one_line(app, tmp_path, arguments, words):
    (tmp_path / "logs").mkdir()
    write_app(tmp_path / "broken", "import nothing_like_it\n")
    (tmp_path / "bad.yaml").write_text("turns:\n  - ask: x\n")
    (tmp_path / "new.jsonl").write_text('{"flow_log":99}\n')
    (tmp_path / "loop").symlink_to("loop")

    assert_refused(run_command(*arguments, folder=tmp_path), words)


@pytest.mark.parametrize("words", [("export", "--format=chrome"), ("show", "--format=html")])
def test_no_log_is_written_over(app, tmp_path, words):
    run_command("run", app, "Cost?", "--log", "own.jsonl", folder=tmp_path)
    (tmp_path / "link").symlink_to("own.jsonl")
    kept = (tmp_path / "own.jsonl").read_bytes()

    for out in ("own.jsonl", "link"):
        done = run_command(*words, "own.jsonl", "--out", out, folder=tmp_path)
        assert_refused(done, f"--out {out}: is a flow log; name another file")

    assert (tmp_path / "own.jsonl").read_bytes() == kept


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # as it is for other users than root

    assert_refused(run_command("diff", ".", ".", folder=tmp_path), "ath '.' is not readable")


@pytest.mark.parametrize(
    ("ending", "words"),
    [("3", ""), ("", ""), ("'no key'", ": no key"), ("'adk-flow: no key'", None)],
)
def test_an_app_that_ends_the_process_is_named(tmp_path, ending, words):
    path = tmp_path / f"{tmp_path.name}.py"  # a module of its own
    path.write_text(f"import sys\nsys.exit({ending})\n")
    ended = f"{path}: the app ended the process (sys.exit) while it was imported"

    with pytest.raises(AdkFlowError) as raised:
        find_app(path)

    assert str(raised.value) == ("no key" if words is None else ended + words)


def test_the_versions_and_the_completion_of_a_shell_are_printed(tmp_path):
    assert f"google-adk {version('google-adk')}" in run_command("--version", folder=tmp_path).stdout
    completion = run_command("--show-completion", "bash", folder=tmp_path)
    assert "complete -o default" in completion.stdout


def test_a_cut_log_is_shown_and_said_to_be_cut(app, tmp_path):
    run_command("run", app, "Cost?", "--log", "own.jsonl", folder=tmp_path)
    path = tmp_path / "own.jsonl"
    path.write_bytes(path.read_bytes()[:-10])

    result = run_command("show", path, folder=tmp_path)

    assert result.returncode == 0
    assert "Root to user: It is 5%." in result.stdout
    assert "the log stops in the middle of this turn" in result.stdout
    assert "left out: the line was cut short" in result.stdout


def test_a_conversation_of_which_nothing_could_be_logged_does_not_pass(app, tmp_path):
    (tmp_path / "file").write_text("")

    result = run_command(
        "run", app, "Cost?", folder=tmp_path, ADK_FLOW_DIR=str(tmp_path / "file" / "x")
    )

    assert result.returncode == 1
    assert "hooks could not be recorded" in result.stdout
    assert "Flow log: none could be written" in result.stdout


def test_the_offline_model_is_known_to_any_app(tmp_path):
    write_app(
        tmp_path / "plain",
        "from google.adk.agents import LlmAgent\n"
        "root_agent = LlmAgent(name='Root', model='offline', description='Helps.')\n",
    )

    result = run_command("run", "plain", "Hello", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert "no language model" in result.stdout


@pytest.mark.parametrize("name", ["show", "diff", "check", "--help"])
def test_a_command_that_reads_logs_loads_neither_adk_nor_other_commands(name):
    code = f"""
import sys
from adk_flow.cli import make_command
make_command([{name!r}])
print(*[name for name in sys.modules if name.startswith(("google.adk", "adk_flow.cli."))])
"""
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)

    commands = {"examples", "paths", "output", "options", "signals", name}
    assert {module.rpartition(".")[2] for module in loaded.split()} <= commands


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["show", "x", "--turn", "0"], "--turn 0: expected a whole number from 1"),
        (["show", "x", "--view", "all"], "--view all: expected control, conversation, both or"),
        (["diff", ".", "."], "LOG: "),
    ],
)
def test_a_wrong_value_is_told_by_a_typer_that_keeps_no_types(monkeypatch, typed, words):
    """Typer 0.29's parameters have no `type`."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(typer.BadParameter) as raised:
        make_command(typed)(typed, "adk-flow", standalone_mode=False)
    vars(raised.value.param).pop("type", None)

    assert describe_usage(raised.value, typed).startswith(words)
