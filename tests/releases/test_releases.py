"""ADK releases side by side: what is told of them, and the environments they run in."""

import inspect
import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import get_type_hints
from unittest import mock

import pytest
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool
from typer.testing import CliRunner

from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.run_metrics import measure_run
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import Flow
from adk_flow.cli import make_command
from adk_flow.models import enforcement
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record import extract
from adk_flow.record.activations import kind_of
from adk_flow.record.plugin import FlowPlugin
from adk_flow.releases import runner, worker
from adk_flow.releases.alignment import align_releases
from adk_flow.releases.environments import (
    ReleaseError,
    default_folder,
    needs_of,
    python_of,
    ready,
)
from adk_flow.releases.hook_trace import HookCall, read_hook_calls
from adk_flow.releases.runner import ReleaseRun
from adk_flow.releases.worker import Outcome
from adk_flow.render.documents import SCHEMAS
from adk_flow.render.releases import (
    describe_differences,
    releases_to_data,
    releases_to_markdown,
)
from callbacks import tool_threads
from tests.doubles.command import run_here
from tests.doubles.flow import agent, record
from tools import checks, savings

ROOT = Path(__file__).resolve().parents[2]
ADK = version("google-adk")
DESK = """
from google.adk.agents import LlmAgent
savings = LlmAgent(name="Savings", model="offline", description="Saving, funds and shares.")
root_agent = LlmAgent(name="Root", model="gemini-2.5-flash", description="Leads.",
                      sub_agents=[savings])
"""

BROKEN = (
    DESK
    + """
def fail(callback_context):
    raise ValueError("no till")
root_agent.before_agent_callback = fail
"""
)

STUBBED = """
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types

class Stub(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=7)
        yield LlmResponse(content=types.ModelContent("As ever."), usage_metadata=usage)

root_agent = LlmAgent(name="Root", model=Stub(model="stub"))
"""


def laid(**lines):
    """Lays releases beside each other that fired what the lines of each say."""
    outcome = Outcome(root="Root", kind="LlmAgent")
    ran = [
        ReleaseRun(
            name.replace("_", ".").strip("v"),
            outcome,
            [fired(line) for line in text.splitlines() if line.strip()],
        )
        for name, text in lines.items()
    ]
    return align_releases("desk", 1, ran)


def fired(line):
    named, _, about = line.strip().partition(": ")
    turn, hook, agent_name = named.split(" ")
    return HookCall(int(turn), hook, agent_name, about)


NESTED = """
    1 before_agent Root
    1 event Root: hands over to Savings
    1 before_agent Savings
    1 event Savings: final
    1 after_agent Savings
    1 after_agent Root
"""
UNTOLD = "under an LlmAgent root, Root gets no after_agent after it transfers away"
FLAT = NESTED.replace("    1 after_agent Root\n", "")


def test_releases_alike_have_no_difference():
    beside = laid(v1_0_0=NESTED, v1_1_0=NESTED)

    assert list(describe_differences(beside)) == []
    assert "None." in releases_to_markdown(beside, "adk-flow")


def test_an_agent_that_is_no_longer_told_its_end_is_named_first():
    beside = laid(v1_39_1=NESTED, v2_0_0=FLAT, v2_13_0=FLAT)

    assert list(describe_differences(beside)) == [f"2.0.0 on: {UNTOLD} (turn 1)"]
    told = "under an LlmAgent root, Root gets after_agent after it transfers away"
    assert f"| {told} | 1 | yes | no | no |" in releases_to_markdown(beside, "adk-flow")


def test_a_hook_that_never_fires_is_named_once():
    before = NESTED + "1 after_run Root\n2 after_run Root\n"

    told = list(describe_differences(laid(v1_0_0=before, v2_0_0=NESTED, v3_0_0=before)))

    assert told == ["2.0.0: after_run never fires"]


def test_what_comes_elsewhere_and_what_is_told_otherwise_is_named():
    turned = FLAT.replace("    1 before_agent Savings\n", "").replace(
        "    1 after_agent Savings\n", "    1 after_agent Savings\n    1 before_agent Savings\n"
    )
    other = FLAT.replace("event Savings: final", "event Savings: final, writes seen")

    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=turned))) == [
        "2.0.0: before_agent Savings comes right after “after_agent Savings”, not “event Root: "
        "hands over to Savings” (turn 1)"
    ]
    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=other))) == [
        "2.0.0: event of Savings is “final, writes seen”, not “final” (turn 1)"
    ]


def test_what_a_conversation_takes_is_laid_side_by_side():
    outcome, same = Outcome(root="Root", kind="LlmAgent"), [fired("1 after_run Root")]
    taken = {"1.0.0": 2400, "2.0.0": 2400, "2.1.0": 4002}
    ran = [
        ReleaseRun(release, outcome, same, TurnMetrics(turn=0, llm_calls=3, input_tokens=tokens))
        for release, tokens in taken.items()
    ]

    beside = align_releases("desk", 1, ran)

    assert list(describe_differences(beside)) == ["2.1.0: input tokens are “4,002”, not “2,400”"]
    assert releases_to_data(beside)["figures"]["LLM calls"] == dict.fromkeys(taken, 3)
    page = releases_to_markdown(beside, "adk-flow")
    assert "| input tokens are |  | 2,400 | 2,400 | 4,002 |" in page
    assert "| LLM calls | 3 | 3 | 3 |" in page


def test_what_fires_more_often_and_in_several_turns_is_counted():
    twice = FLAT.replace(
        "1 event Savings: final\n", "1 event Savings: final\n1 event Savings: final\n"
    )
    again = [text + text.replace("1 ", "2 ") for text in (NESTED, FLAT)]

    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=twice))) == [
        "2.0.0: Savings gets event (final) “twice”, not “once” (turn 1)"
    ]
    assert list(describe_differences(laid(v1_0_0=again[0], v2_0_0=again[1]))) == [
        f"2.0.0: {UNTOLD} (turns 1 and 2)"
    ]


async def test_the_firings_of_a_log_are_told_with_what_they_are_about(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": [call("look"), "s"]})

    def look() -> str:
        """Looks."""
        return "5%"

    root = agent("Root", model, sub_agents=[agent("Savings", model, tools=[look])])
    told = read_hook_calls((await record(root, ["?"], tmp_path)).log.records)

    assert [one.words for one in told if one.hook in ("event", "before_tool")] == [
        "event Root: calls transfer_to_agent",
        "before_tool Root: transfer_to_agent",
        "event Root: hands over to Savings",
        "event Savings: calls look",
        "before_tool Savings: look",
        "event Savings: brings results",
        "event Savings: final",
    ]
    assert {one.turn for one in told} == {1}


# Environments


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path on which there is nothing but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def fake_uv(folder, install):
    """A uv that makes an environment of this very Python, and installs by a line of shell."""
    uv = folder / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        f'echo "$1 $2" >> "{folder}/calls"\n'
        'if [ "$1" = venv ]; then\n'
        '  /bin/mkdir -p "$4/bin"\n'
        f'  printf \'#!/bin/sh\\nexec "{sys.executable}" "$@"\\n\' > "$4/bin/python"\n'
        '  /bin/chmod +x "$4/bin/python"\n'
        "  exit 0\n"
        "fi\n"
        f"{install}\n"
    )
    uv.chmod(0o755)


def invoke(*words):
    return CliRunner().invoke(make_command(), ["versions", *map(str, words)], env={"COLUMNS": "80"})


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "agent.py").write_text(DESK)
    return tmp_path / "desk"


def both(desk, folder, *words):
    releases = ("--adk", "1.39.1", "--adk", ADK)
    return invoke(desk, *releases, "--question", "Funds?", "--environments", folder, *words)


MISSING = "ModuleNotFoundError: No module named"


def ending_with(words):
    """Writes a program that ends with a line on stderr, as a Python that cannot import does."""
    return f'#!/bin/sh\necho "{words}" >&2\nexit 1\n'


def with_pythons(desk, path, folder, python):
    """Runs under two environments that hold a file as Python; tells of the first and its fault."""
    fake_uv(path, "exit 0")
    files = [ready(release, folder / "kept", lambda told: None) for release in ("1.39.1", ADK)]
    for file in files:
        file.write_text(python)

    result = both(desk, folder / "kept", "--format", "json")

    assert result.exit_code == 1
    return files[0], json.loads(result.stdout)["failed"]["1.39.1"]


@pytest.fixture
def workers_here(monkeypatch, tmp_path):
    """Runs the workers in this process, which has imported ADK already."""

    def run(command, *, input=b"", env=None, **options):
        if "adk_flow.releases.worker" not in command:
            return run_program(command, env=env, **options)
        with monkeypatch.context() as patch, mock.patch.dict(os.environ, env):
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(input)))
            done = run_here(worker.do_job, command[:1], tmp_path)
        return subprocess.CompletedProcess(command, done.returncode, b"", done.stderr.encode())

    run_program = subprocess.run
    monkeypatch.setattr(subprocess, "run", run)


def test_without_uv_one_line_says_how_to_get_it(desk, path, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(path / "python"))

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "adk-flow: an environment with google-adk 1.39.1 is made by uv, which is not installed: "
        "pip install uv, or see https://docs.astral.sh/uv\n"
    )
    assert not (tmp_path / "kept").exists()


def test_without_a_network_one_line_says_so_and_nothing_is_left(desk, path, tmp_path):
    fault = "Using Python 3.11\\nerror: Failed to fetch: simple\\n  cause: dns error\\n"
    fake_uv(path, f"printf '{fault}' >&2; exit 2")

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:] == [
        "adk-flow: ADK 1.39.1: uv could not make its environment: Failed to fetch: simple; "
        "dns error; is there a network?"
    ]
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_release_that_does_not_exist_is_told_as_uv_tells_it(path, tmp_path):
    fake_uv(path, 'echo "error: there is no version of google-adk==9.9.9" >&2; exit 1')

    with pytest.raises(ReleaseError, match=r"9\.9\.9: uv could .*: there is no version of google"):
        ready("9.9.9", tmp_path / "kept", lambda told: None)
    assert list((tmp_path / "kept").iterdir()) == []


def test_an_environment_is_made_once_and_used_again(path, tmp_path):
    fake_uv(path, "exit 0")
    told = []

    first = ready("2.13.0", tmp_path / "kept", told.append)
    again = ready("2.13.0", tmp_path / "kept", told.append)

    assert first == again
    assert python_of(first.parents[1]) == first
    assert len(told) == 1
    assert (path / "calls").read_text().splitlines() == ["venv --python", "pip install"]
    assert [one.name[:10] for one in (tmp_path / "kept").iterdir()] == ["google-adk"]


def test_an_environment_holds_what_the_app_asks_for_and_the_adk_of_its_release(path, tmp_path):
    (tmp_path / "requirements.txt").write_text("google-adk[db]>=99\nhumanize\n")
    keep = f'for last; do :; done; /bin/cp "$last" {tmp_path}/pin'
    fake_uv(path, f'shift 4; echo "$@" > {tmp_path}/words; {keep}')
    plain = ready("2.13.0", tmp_path / "kept", lambda told: None)

    python = ready("2.13.0", tmp_path / "kept", lambda told: None, needs_of(tmp_path, ["duckdb<2"]))

    assert python != plain
    *_, pin = words = (tmp_path / "words").read_text().split()
    file = str(tmp_path / "requirements.txt")
    assert words[-7:] == [
        "duckdb<2",
        "--requirement",
        file,
        "--requirement",
        pin,
        "--override",
        pin,
    ]
    assert (tmp_path / "pin").read_text() == "google-adk[db]==2.13.0"


def test_an_environment_whose_python_is_gone_is_made_anew(path, tmp_path):
    fake_uv(path, "exit 0")
    python = ready("2.13.0", tmp_path / "kept", lambda told: None)
    python.unlink()

    assert ready("2.13.0", tmp_path / "kept", lambda told: None).exists()


def test_environments_lie_in_the_platforms_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert default_folder() == tmp_path / "adk-flow" / "environments"


# The command


@pytest.mark.environments
def test_the_releases_that_cannot_hold_it_are_named_and_the_others_shown(desk, path, tmp_path):
    """Both environments have this very ADK, which is but one of the two."""
    fake_uv(path, "exit 0")

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert f"1.39.1: could not run: ADK {ADK} was imported in its place" in told
    assert "root Root (LlmAgent), model offline, 1 turn" in told
    assert "Turn 1: hooks in order" in told
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert result.stderr.count("holding the conversation") == 2


def test_an_app_that_cannot_be_loaded_says_why(workers_here, desk, path, tmp_path):
    fake_uv(path, "exit 0")
    (desk / "agent.py").write_text("import nothing_like_it\n")

    data = json.loads(both(desk, tmp_path / "kept", "--format", "json").stdout)
    assert data["schema"] == SCHEMAS["versions"]

    assert data["releases"] == []
    assert "nothing_like_it" in data["failed"][ADK]


def test_a_process_that_dies_leaves_its_last_line(desk, path, tmp_path):
    fake_uv(path, "exit 0")
    ready("1.39.1", tmp_path / "kept", lambda told: None).write_text(ending_with("gone"))
    (desk / "agent.py").write_text("import os, sys\nprint('gone', file=sys.stderr)\nos._exit(3)\n")

    data = json.loads(both(desk, tmp_path / "kept", "--format", "json").stdout)

    assert set(data["failed"].values()) == {"gone"}


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("not a program", "Exec format error"),
        ("#!/none/such/python\n", "No such file or directory"),
        (ending_with(f"{MISSING} 'msgspec'"), f"{MISSING} 'msgspec'"),
    ],
)
def test_a_damaged_environment_is_named(desk, path, tmp_path, python, reason):
    damaged, failed = with_pythons(desk, path, tmp_path, python)

    assert f"its environment is damaged ({reason}" in failed
    assert failed.endswith(f"): delete {damaged.parents[1]}")


def test_a_part_that_a_release_of_adk_lacks_is_no_damage(desk, path, tmp_path):
    told = f"{MISSING} 'google.adk.apps'"

    _, failed = with_pythons(desk, path, tmp_path, ending_with(told))

    assert failed == told


def test_a_file_of_decisions_takes_the_models_place(workers_here, desk, path, tmp_path):
    fake_uv(path, "exit 0")
    file = tmp_path / "decisions.yaml"
    file.write_text(
        "decisions:\n"
        "  - {agent: Root, steps: [{transfer: Savings}]}\n"
        "  - {agent: Savings, steps: [{text: Save.}, {text: More.}]}\n"
    )

    result = both(desk, tmp_path / "kept", "--format", "json", "--decisions", file)

    data = json.loads(result.stdout)
    assert ["1 of 2" in note for note in data["notes"]] == [True]
    assert {"turn": 1, "hook": "event", "agent": "Savings", "about": "final"} in data["fired"][ADK]


def test_a_turn_that_fails_under_a_release_ends_it_with_1(
    workers_here, desk, path, tmp_path, monkeypatch
):
    """Both environments have this very ADK, and are taken for a release each."""
    fake_uv(path, "exit 0")
    (desk / "agent.py").write_text(BROKEN)
    monkeypatch.setattr(runner, "Version", lambda release: "the same")

    result = both(desk, tmp_path / "kept")

    assert "all: turn 1 failed: " in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize("where", ["agents", "recorder"])
def test_a_fault_of_adk_flow_is_never_told_as_adks(
    where, workers_here, desk, path, tmp_path, monkeypatch
):
    fake_uv(path, "exit 0")
    if where == "agents":  # which ADK asks while it offers a transfer
        monkeypatch.setattr(enforcement, "model_asked", None)
    else:
        monkeypatch.setattr(extract, "said_in", None)

    data = json.loads(both(desk, tmp_path / "kept", "--format", "json").stdout)

    assert data["failed"][ADK].startswith("adk-flow's own fault")
    assert data["releases"] == data["differences"] == []


def test_an_app_keeps_a_model_of_its_own(workers_here, desk, path, tmp_path):
    fake_uv(path, "exit 0")
    (desk / "agent.py").write_text(STUBBED)

    page = both(desk, tmp_path / "kept", "--format", "markdown").stdout

    assert "root Root (LlmAgent), model stub, 1 turn" in page
    assert "| input tokens | 7 |" in page


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "decisions.yaml: cannot be read: No such file or directory"),
        ("decisions: []", "decisions.yaml: line 1: decisions is empty"),
    ],
)
def test_decisions_are_read_before_an_environment_is_made(desk, path, tmp_path, text, reason):
    fake_uv(path, "exit 0")
    file = tmp_path / "decisions.yaml"
    if text is not None:
        file.write_text(text)

    result = both(desk, tmp_path / "kept", "--decisions", file)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (path / "calls").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="a path elsewhere is text")
def test_words_and_paths_that_are_no_text_are_held_all_the_same(workers_here, desk, path, tmp_path):
    fake_uv(path, "exit 0")
    app = tmp_path / os.fsdecode(b"h\xff") / "desk"
    app.parent.mkdir()
    desk.rename(app)
    releases = ("--adk", "1.39.1", "--adk", ADK)
    words = ("--question", os.fsdecode(b"Funds\xff"), "--environments", tmp_path / "kept")

    result = invoke(app, *releases, *words, "--format", "json")

    data = json.loads(result.stdout)
    assert data["app"] == f"{tmp_path}/h?/desk"
    assert data["releases"] == [ADK]
    assert data["notes"] == {}


@pytest.mark.skipif(sys.platform != "linux", reason="a path elsewhere is text")
def test_a_fault_whose_words_are_no_text_is_told_all_the_same(workers_here, desk, path, tmp_path):
    fake_uv(path, "exit 0")
    app = desk.rename(tmp_path / os.fsdecode(b"h\xff"))

    data = json.loads(both(app, tmp_path / "kept", "--format", "json").stdout)

    assert "h?" in data["failed"][ADK]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--adk", "2.13.0", "--question", "?"), "--adk: needs two releases or more"),
        (("--adk", "2.13.0", "--adk", "../x", "--question", "?"), "--adk ../x: is no release"),
        (("--adk", "1.39.1", "--adk", "2.13.0"), "give either a question or --conv"),
        (
            ("--adk", "2.13.0", "--adk", "1.17.0", "--question", "?"),
            "--adk 1.17.0: adk-flow works with google-adk<3,>=1.18",
        ),
        (("--adk", "2.13.0", "--adk", "3.0.0rc1", "--question", "?"), "--adk 3.0.0rc1: adk-flow"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(desk, words, reason):
    result = invoke(desk, *words)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


# Under other releases than this one


async def test_plugins_that_an_agent_tool_closes_record_on(tmp_path):
    """ADK 1.39.1 and 2.0.0 close the plugins that a nested run shares with its caller."""
    recorder = FlowPlugin(directory=tmp_path)

    class Closing(BasePlugin):
        async def after_run_callback(self, *, invocation_context):
            await recorder.close()

    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    runner = InMemoryRunner(app=App(name="app", root_agent=root, plugins=[recorder, Closing("c")]))
    await runner.run_debug("?", quiet=True)
    await runner.close()

    trace = read_trace(recorder.paths[0])
    assert [one.run for one in trace.log.records if one.hook == "before_run"] == [1, 2]
    assert [move.kind for move in trace.moves][-3:] == ["return", "reply", "end"]


async def test_a_turn_whose_end_no_hook_tells_is_followed_by_the_next(tmp_path, monkeypatch):
    """ADK 2.0.0 never calls after_run, ADK 1 not after a fault."""

    async def untold(self, *, invocation_context):
        pass

    monkeypatch.setattr(FlowPlugin, "after_run_callback", untold)
    root = agent("Root", Scripted(script={"Root": ["a", "b"]}))

    flow = await record(root, ["?", "!"], tmp_path)

    assert [(move.turn, move.kind) for move in flow.moves if move.kind == "reply"] == [
        (1, "reply"),
        (2, "reply"),
    ]


@pytest.mark.parametrize(("adk", "is_cut"), [("2.0.0", False), ("2.1.0", False), ("2.2.0", True)])
async def test_a_log_of_a_release_that_tells_no_end_is_not_called_cut(
    adk, is_cut, tmp_path, monkeypatch
):
    async def untold(self, *, invocation_context):
        pass

    monkeypatch.setattr(FlowPlugin, "after_run_callback", untold)
    monkeypatch.setattr("adk_flow.record.recorder._ADK", adk)
    held = await record(agent("Root", Scripted(script={"Root": ["a"]})), ["?"], tmp_path)

    shown = CliRunner().invoke(make_command(), ["show", held.log.path]).stdout
    run = measure_run(held.trace, construct="transfer", conversation="one")

    assert bool(Flow(held.trace).faults) == is_cut
    assert ("cut or cancelled" in shown) == is_cut
    assert (run.is_whole, run.passed) == (not is_cut, not is_cut)


def test_a_transfer_tool_that_is_a_plain_function_is_known_by_its_name():
    def transfer_to_agent(agent_name: str) -> None:
        """Transfers."""

    assert kind_of(FunctionTool(transfer_to_agent)) == "transfer"


async def test_the_desk_does_without_tool_threads_where_adk_has_none(monkeypatch):
    monkeypatch.setattr(tool_threads, "ToolThreadPoolConfig", None)

    await tool_threads.ToolThreads().before_run_callback(invocation_context=None)  # pyright: ignore[reportArgumentType]


def test_a_tool_can_be_declared_without_its_limits():
    tool = savings.isa_allowance
    declared = get_type_hints(tool, include_extras=True)

    plain = checks._without_limits(inspect.signature(tool), declared)

    assert {one.annotation for one in plain.parameters.values()} <= {float, int, bool, str}
    assert all(
        one.default is one.empty or type(one.default) is one.annotation
        for one in plain.parameters.values()
    )


# Real releases


def real(*words):
    """Runs the command with environments that are kept, or made."""
    result = invoke(*words)
    if result.exit_code == 2 and (
        "is there a network" in result.stderr or "by uv" in result.stderr
    ):
        pytest.skip(result.stderr.strip().splitlines()[-1])
    return result


@pytest.mark.environments
def test_real_releases_differ_in_who_is_told_that_an_agent_ended(monkeypatch):
    monkeypatch.chdir(ROOT)

    result = real(
        "root_agent", "--adk", "1.39.1", "--adk", "2.13.0",
        "--conversation", "conversations/follow_up.yaml",
    )  # fmt: skip

    assert result.exit_code == 0, result.stderr
    first = result.stdout.split("Differences")[1].split("- ")[1]
    assert " ".join(first.split()) == f"2.13.0: {UNTOLD.replace('Root', 'Root_Agent')} (turn 1)"


PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")


def test_the_page_of_releases_begins_with_who_is_told_that_an_agent_ended():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]

    assert rows[0] == "|  | turn | 1.18.0 | 1.39.1 | 2.0.0 | 2.5.0 | 2.13.0 |"
    assert rows[2].startswith("| " + UNTOLD.replace("Root gets no", "Root_Agent gets"))
    assert rows[2].endswith("| yes | yes | no | no | no |")


@pytest.mark.environments
def test_the_page_of_releases_is_what_its_command_gives(monkeypatch):
    monkeypatch.chdir(ROOT)

    written = PAGE.split("```sh\nadk-flow versions ")[1].split("\n")[0]

    assert real(*shlex.split(written)).stdout == PAGE
