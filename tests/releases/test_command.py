"""The command for releases, under environments that have this very ADK."""

import json
import os
import sys

import pytest

from adk_flow.models import enforcement
from adk_flow.record import extract
from adk_flow.releases import runner
from adk_flow.releases.environments import ready
from adk_flow.render.documents import SCHEMAS
from tests.releases.faked import ADK, DESK, both, invoke

pytestmark = pytest.mark.usefixtures("path")
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


MISSING = "ModuleNotFoundError: No module named"


def ending_with(words):
    """Writes a program that ends with a line on stderr, as a Python that cannot import does."""
    return f'#!/bin/sh\necho "{words}" >&2\nexit 1\n'


def with_pythons(desk, folder, python):
    """Runs under two environments that hold a file as Python; tells of the first and its fault."""
    files = [ready(release, folder / "kept", lambda told: None) for release in ("1.39.1", ADK)]
    for file in files:
        file.write_text(python)

    result = both(desk, folder / "kept", "--format", "json")

    assert result.exit_code == 1
    return files[0], json.loads(result.stdout)["failed"]["1.39.1"]


def data_of(desk, folder, *words):
    return json.loads(both(desk, folder / "kept", "--format", "json", *words).stdout)


@pytest.mark.environments
def test_the_releases_that_cannot_hold_it_are_named_and_the_others_shown(desk, tmp_path):
    """Both environments have this very ADK, which is but one of the two."""

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert f"1.39.1: could not run: ADK {ADK} was imported in its place" in told
    assert "root Root (LlmAgent), model offline, 1 turn" in told
    assert "Turn 1: hooks in order" in told
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert result.stderr.count("holding the conversation") == 2


def test_an_app_that_cannot_be_loaded_says_why(workers_here, desk, tmp_path):
    (desk / "agent.py").write_text("import nothing_like_it\n")

    data = data_of(desk, tmp_path)
    assert data["schema"] == SCHEMAS["versions"]

    assert data["releases"] == []
    assert "nothing_like_it" in data["failed"][ADK]


def test_a_plan_of_somebody_whom_the_app_has_not_is_refused(workers_here, desk, tmp_path):
    talk = tmp_path / "talk.yaml"
    talk.write_text("turns: [{say: Funds, plan: [{agent: Pension}]}]")
    releases = ("--adk", "1.39.1", "--adk", ADK, "--environments", tmp_path / "kept")

    result = invoke(desk, *releases, "--conversation", talk, "--format", "json")

    refused = f"{talk}: turns[0].plan[0].agent: the app has no agent 'Pension'; there are Root"
    assert json.loads(result.stdout)["failed"][ADK].startswith(refused)


def test_a_process_that_dies_leaves_its_last_line(desk, tmp_path):
    ready("1.39.1", tmp_path / "kept", lambda told: None).write_text(ending_with("gone"))
    (desk / "agent.py").write_text("import os, sys\nprint('gone', file=sys.stderr)\nos._exit(3)\n")

    data = data_of(desk, tmp_path)

    assert set(data["failed"].values()) == {"gone"}


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("not a program", "Exec format error"),
        ("#!/none/such/python\n", "No such file or directory"),
        (ending_with(f"{MISSING} 'msgspec'"), f"{MISSING} 'msgspec'"),
    ],
)
def test_a_damaged_environment_is_named(desk, tmp_path, python, reason):
    damaged, failed = with_pythons(desk, tmp_path, python)

    assert f"its environment is damaged ({reason}" in failed
    assert failed.endswith(f"): delete {damaged.parents[1]}")


def test_a_part_that_a_release_of_adk_lacks_is_no_damage(desk, tmp_path):
    told = f"{MISSING} 'google.adk.apps'"

    _, failed = with_pythons(desk, tmp_path, ending_with(told))

    assert failed == told


def test_a_file_of_decisions_takes_the_models_place(workers_here, desk, tmp_path):
    file = tmp_path / "decisions.yaml"
    file.write_text(
        "decisions:\n"
        "  - {agent: Root, steps: [{transfer: Savings}]}\n"
        "  - {agent: Savings, steps: [{text: Save.}, {text: More.}]}\n"
    )

    data = data_of(desk, tmp_path, "--decisions", file)

    assert ["1 of 2" in note for note in data["notes"]] == [True]
    assert {"turn": 1, "hook": "event", "agent": "Savings", "about": "final"} in data["fired"][ADK]


def test_a_turn_that_fails_under_a_release_ends_it_with_1(
    workers_here, desk, tmp_path, monkeypatch
):
    """Both environments have this very ADK, and are taken for a release each."""
    (desk / "agent.py").write_text(BROKEN)
    monkeypatch.setattr(runner, "Version", lambda release: "the same")

    result = both(desk, tmp_path / "kept")

    assert "all: turn 1 failed: " in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize("where", ["agents", "recorder"])
def test_a_fault_of_adk_flow_is_never_told_as_adks(
    where, workers_here, desk, tmp_path, monkeypatch
):
    if where == "agents":  # which ADK asks while it offers a transfer
        monkeypatch.setattr(enforcement, "model_asked", None)
    else:
        monkeypatch.setattr(extract, "said_in", None)

    data = data_of(desk, tmp_path)

    assert data["failed"][ADK].startswith("adk-flow's own fault")
    assert data["releases"] == data["differences"] == []


def test_an_app_keeps_a_model_of_its_own(workers_here, desk, tmp_path):
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
    file = tmp_path / "decisions.yaml"
    if text is not None:
        file.write_text(text)

    result = both(desk, tmp_path / "kept", "--decisions", file)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (path / "calls").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="a path elsewhere is text")
def test_words_and_paths_that_are_no_text_are_held_all_the_same(workers_here, desk, tmp_path):
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
def test_a_fault_whose_words_are_no_text_is_told_all_the_same(workers_here, desk, tmp_path):
    app = desk.rename(tmp_path / os.fsdecode(b"h\xff"))

    data = data_of(app, tmp_path)

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
