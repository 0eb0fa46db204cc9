"""What every command prints: to a terminal, into a pipe, and to a machine."""

import inspect
import json
import os
import shlex
import subprocess
import sys
from subprocess import PIPE
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from rich.cells import cell_len
from typer.main import get_command

from adk_flow.cli import COMMANDS, make_command
from adk_flow.cli.examples import EXAMPLES
from adk_flow.render.documents import SCHEMAS
from tests.doubles.command import APP, assert_refused, run_command, write_app

LONG = " ".join(f"reason{number}" for number in range(16))
RULES = f"""
hold: ["Cost?"]
llm_calls: 9
answered_by: {LONG.replace(" ", "_")[:60]}
control: start user to Nobody
"""
TEXT = {
    "run": ("run", "desk_app", f"Cost, for {LONG}?"),
    "show": ("show", "long.jsonl"),
    "show a turn": ("show", "both.jsonl", "--turn", 2),
    "show records": ("show", "long.jsonl", "--view", "records"),
    "compare": ("compare", "long.jsonl", "again.jsonl"),
    "compare verbose": ("compare", "long.jsonl", "again.jsonl", "--verbose"),
    "check": ("check", "long.jsonl", "--expect", "rules.yaml"),
    "diff": ("diff", "long.jsonl", "both.jsonl"),
    "inspect": ("inspect", "desk_app"),
    "init": ("init", "desk_app"),
    "plan": ("plan", "desk_app", "--from", "long.jsonl"),
    "export": ("export", "long.jsonl"),
}
SAYING = ("run", "show", "show a turn", "diff", "inspect", "plan")
"""Commands that print a long text whole; others cut it."""
JSON = {
    "run": ("run", "desk_app", "Cost?"),
    "show": ("show", "long.jsonl"),
    "record": ("show", "long.jsonl", "--view", "records"),
    "compare": ("compare", "long.jsonl", "again.jsonl"),
    "check": ("check", "long.jsonl", "--expect", "rules.yaml"),
    "diff": ("diff", "long.jsonl", "both.jsonl"),
    "inspect": ("inspect", "desk_app"),
    "laws": ("laws",),
    "predict": ("predict", "desk_app"),
    "init": ("init", "desk_app"),
    "plan": ("plan", "desk_app", "--from", "long.jsonl"),
    "wire": ("wire", "desk_app", "--construct", "single_turn"),
    "export": ("export", "long.jsonl"),
    "watch": ("watch", "--with", "true"),
}
PLACES = ("Flow log: ", "All figures", "flow_tables/", "rules broken", "rules.yaml:", "- say: ")
"""In lines that stay whole: of files, of CI's annotations, and of YAML."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output")
    write_app(folder / "desk_app", APP.replace('"Loans."', f'"Loans, for {LONG}."'))
    (folder / "rules.yaml").write_text(RULES)
    for name, questions in {
        "long": [f"Cost, for {LONG}?"],
        "again": [f"Cost, for {LONG}?"],
        "both": ["Cost?", f"Savings, for {LONG}?"],
    }.items():
        run_command("run", "desk_app", *questions, "--log", f"{name}.jsonl", folder=folder)
    return folder


@pytest.mark.parametrize("name", TEXT)
def test_lines_are_folded_on_a_terminal_only_and_never_filled_up(name, folder):
    narrow, wide = (
        run_command(*TEXT[name], folder=folder, COLUMNS=columns).stdout.splitlines()
        for columns in ("80", "")
    )

    assert [
        line
        for line in narrow
        if cell_len(line) > 80 and not any(words in line for words in PLACES)
    ] == []
    assert [line for line in [*narrow, *wide] if line != line.rstrip()] == []
    assert len(wide) <= len(narrow)
    is_whole = [any(LONG in line for line in lines) for lines in (narrow, wide)]
    assert is_whole == [False, name in SAYING]


@pytest.mark.parametrize("kind", JSON)
def test_whatever_a_machine_reads_names_its_schema(kind, folder):
    name, *words = JSON[kind]
    result = run_command(name, "--format", "json", *words, folder=folder)

    for line in result.stdout.splitlines():
        assert json.loads(line)["schema"] == SCHEMAS[kind]
    assert result.stdout.count("\n") >= 1


def test_every_command_has_json_and_every_kind_is_tested():
    """`merge` writes what `compare` does, `mcp` speaks JSON; that of versions: tests/releases."""
    assert {*JSON, "versions"} == {*SCHEMAS}
    assert {*JSON, "versions", "merge", "mcp"} == {*COMMANDS, "record"}


COMMAND: Any = get_command(make_command())


def typed_options():
    """Lists the options that take a number or one of a few words."""
    for name, command in COMMAND.commands.items():
        hints = get_type_hints(inspect.unwrap(command.callback))
        for param in command.params:
            kinds = [hint := hints.get(param.name), *get_args(hint)]
            if {int, float} & {*kinds} or any(get_origin(kind) is Literal for kind in kinds):
                yield name, param.opts[-1]


@pytest.mark.parametrize(("name", "option"), typed_options())
def test_a_wrong_value_is_refused_with_what_was_expected(name, option, tmp_path):
    result = run_command(name, option, "jsno", folder=tmp_path)

    assert_refused(result, f"adk-flow: {option} jsno: expected ")
    assert "Invalid" not in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_words_that_a_command_does_not_know_are_refused(name, tmp_path):
    page = f"see adk-flow {name} --help"

    assert_refused(run_command(name, "--hepl", folder=tmp_path), "(did you mean --help?)")
    assert_refused(run_command(name, "--xyz", folder=tmp_path), "--xyz: no such option; see")
    command = COMMAND.commands[name]
    if needed := [param for param in command.params if param.required]:
        assert_refused(run_command(name, folder=tmp_path), page)
        assert needed[0].help.rstrip(".") in run_command(name, folder=tmp_path).stderr
    valued = [param for param in command.params if not getattr(param, "is_flag", True)]
    for param in valued[:1]:
        result = run_command(name, param.opts[-1], folder=tmp_path)
        assert_refused(result, f"{param.opts[-1]}: needs a value")
    assert_refused(run_command(name[:-1], folder=tmp_path), f"{name[:-1]}: no such command")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_can_be_typed(name, tmp_path):
    purpose, lines = EXAMPLES[name]

    shown = run_command(name, "--help", folder=tmp_path).stdout
    assert purpose in run_command("--help", folder=tmp_path).stdout
    for line in lines:
        assert f"\n    {line}\n" in shown
        program, named, *words = shlex.split(line.partition(" > ")[0])
        assert (program, named) == ("adk-flow", name)
        COMMAND.commands[name].make_context(name, words)  # which reads and checks them


SLIPS = {
    "constructs": (
        ("compare", "desk_app", "--question", "Hi", "--constructs", "agent_tol"),
        "agent_tool",
    ),
    "baselines": (("compare", "desk_app", "--question", "Hi", "--baseline", "as_iz"), "as_is"),
    "profiles": (
        ("compare", "desk_app", "--question", "Hi", "--latency", "gemini-2.5-flsh"),
        "gemini-2.5-flash",
    ),
    "fields": (("run", "desk_app", "--conversation", "slip_field.yaml"), "contains"),
    "agents": (("compare", "desk_app", "--conversation", "slip_agent.yaml"), "Savings"),
    "rules": (("check", "long.jsonl", "--expect", "slip_rule.yaml"), "llm_calls"),
    "findings": (("check", "long.jsonl", "--expect", "slip_kind.yaml"), "leak"),
}
"""A name that is nearly right, by what it names, and the one that is meant."""


@pytest.mark.parametrize("kind", SLIPS)
def test_a_slip_of_a_name_is_refused_with_the_one_that_is_meant(kind, folder):
    words, meant = SLIPS[kind]
    (folder / "slip_field.yaml").write_text("turns:\n  - {say: Hi, contans: [x]}\n")
    (folder / "slip_agent.yaml").write_text("turns:\n  - {say: Hi, specialist: Saving}\n")
    (folder / "slip_rule.yaml").write_text("llm_cals: 3\n")
    (folder / "slip_kind.yaml").write_text("no_findings: [leek]\n")

    assert_refused(run_command(*words, folder=folder), f"(did you mean {meant}?)")


GEMINI = """
from google.adk.agents import LlmAgent
root_agent = LlmAgent(name="Root", model="gemini-2.5-flash", instruction="Greet {guest}.")
"""


@pytest.mark.parametrize("command", ["run", "compare", "check"])
def test_a_missing_key_is_told_once_and_before_anything_runs(command, tmp_path):
    write_app(tmp_path / "app", GEMINI)
    (tmp_path / "rules.yaml").write_text("hold: [Hi]\nllm_calls: 1\n")
    words = {
        "run": ("Hi",),
        "compare": ("--question", "Hi", "--max-calls", 5),
        "check": ("--expect", "rules.yaml"),
    }[command]

    result = run_command(command, "app", *words, folder=tmp_path)

    assert_refused(result, "agent Root: its model gemini-2.5-flash needs GOOGLE_API_KEY; set it")
    assert not list(tmp_path.rglob("*.jsonl"))


def test_tools_that_could_not_be_loaded_are_told_once(tmp_path):
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "agent.py").write_text("""
from google.adk.agents import LlmAgent
from google.adk.tools.base_toolset import BaseToolset

class Shelf(BaseToolset):
    async def get_tools(self, context=None):
        raise ConnectionError("nobody listens")

    async def close(self):
        pass

root_agent = LlmAgent(name="Root", model="gemini-2.5-flash", tools=[Shelf()])
""")
    lost = "will run without the tools from toolset Shelf, which failed to load: nobody listens\n"

    drafted = run_command("plan", "desk", "--question", "Hi", folder=tmp_path)
    ran = run_command("run", "desk", "Hi", "And?", "--model", "offline", folder=tmp_path)

    assert (drafted.returncode, drafted.stderr) == (0, f"adk-flow: an agent {lost}")
    assert (ran.returncode, ran.stderr) == (0, f"adk-flow: Agent Root {lost}")


def test_a_state_key_that_is_missing_names_the_option_that_gives_it(tmp_path):
    write_app(tmp_path / "app", GEMINI.replace("gemini-2.5-flash", "offline"))
    words = ("run", "app", "Hi")

    told = run_command(*words, folder=tmp_path).stderr.splitlines()[-1]
    assert told == """adk-flow: the session's state lacks guest: --state '{"guest": "…"}'"""
    given = shlex.split(told.partition("guest: ")[2])
    assert run_command(*words, *given, folder=tmp_path).returncode == 0


def test_a_pipe_that_is_closed_ends_a_command_quietly(folder):
    words = ("show", "long.jsonl", "--view", "records", "--format", "json")
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "adk_flow", *words], stdout=closed, stderr=PIPE, cwd=folder
        )

    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-"])
def test_a_command_whose_streams_are_closed_does_its_work(folder, tmp_path, streams):
    command = f"{sys.executable} -m adk_flow export long.jsonl --out {tmp_path} {streams}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, cwd=folder)

    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "turns.csv").read_text(encoding="utf-8").startswith("log,")
