"""Every block of docs/ci.md does what the text says, in a folder of its own."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from google.adk.evaluation.eval_config import EvalConfig, get_eval_metrics_from_config

from adk_flow.picture import aligned, side_by_side

TEXT = (Path(__file__).parents[1] / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
FILES = {
    text.splitlines()[0].removeprefix("# "): text
    for language, text in BLOCKS
    if language in ("python", "yaml")
}
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project that the document describes."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def shell(line, folder):
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        line,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )


def test_the_blocks_are_these():
    assert [*FILES] == [
        *("shop/agent.py", "test_shop.py", "flow.yaml", "talk.yaml"),
        ".github/workflows/flow.yml",
    ]
    assert {language for language, _ in BLOCKS} == {"python", "yaml", "sh", "text", "json"}


def test_the_commands_give_what_they_say(project):
    for line in COMMANDS:
        done = shell(line, project)
        expected = 1 if "# exits with 1" in line else 0
        assert done.returncode == expected, (line, done.stdout, done.stderr)


def test_the_workflows_steps_pass(project):
    workflow = yaml.safe_load(FILES[".github/workflows/flow.yml"])
    steps = [step["run"] for step in workflow["jobs"]["flow"]["steps"] if "run" in step]

    assert [shlex.split(step)[0] for step in steps] == ["pip", "pytest", "adk-flow"]
    tested, checked = (shell(step, project) for step in steps[1:])
    assert "2 passed" in tested.stdout, tested.stdout
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.startswith("::notice::adk-flow: ")


def test_the_picture_of_a_failure_is_a_true_one():
    [shown] = [text for language, text in BLOCKS if language == "text"]
    expected = ["start user to Shop", "Shop => Stock"]
    called = ["Shop -> Stock (agent_tool)", "Shop <- Stock"]
    actual = ["start user to Shop", *called, "end Shop to user"]

    assert shown.splitlines() == side_by_side(aligned(expected, actual))


def test_adks_evaluation_takes_the_configuration():
    [text] = [text for language, text in BLOCKS if language == "json"]

    metrics = get_eval_metrics_from_config(EvalConfig.model_validate(json.loads(text)))

    assert [metric.custom_function_path for metric in metrics[:2]] == [
        "adk_flow.evaluation.llm_calls",
        "adk_flow.evaluation.answered_by",
    ]
