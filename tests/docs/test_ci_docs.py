"""Every block of docs/ci.md does what the text says, in a folder of its own."""

import json
import shlex

import pytest
import yaml
from google.adk.evaluation.eval_config import EvalConfig, get_eval_metrics_from_config

from adk_flow.check.snapshot import aligned, side_by_side
from tests.doubles.pages import Page, shell

PAGE = Page("docs/ci.md")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project that the document describes."""
    folder = tmp_path_factory.mktemp("project")
    PAGE.write(folder)
    return folder


def test_the_blocks_are_these():
    assert [*PAGE.files] == [
        *("shop/agent.py", "test_shop.py", "flow.yaml", "talk.yaml"),
        *(".github/workflows/flow.yml", ".github/workflows/pull_request.yml"),
        ".pre-commit-config.yaml",
    ]
    plain = {"python", "yaml", "sh", "text", "json"}
    assert {block.language for block in PAGE.blocks} == plain | {
        *("python eval", "json eval", "sh eval")  # which tests/check/test_adk_eval.py follows
    }


def test_the_commands_give_what_they_say(project):
    for line in PAGE.commands:
        done = shell(line, project)
        expected = 1 if "# exits with 1" in line else 0
        assert done.returncode == expected, (line, done.stdout, done.stderr)


@pytest.mark.environments
def test_the_workflows_steps_pass(project):
    workflow = yaml.safe_load(PAGE.files[".github/workflows/flow.yml"])
    steps = [step["run"] for step in workflow["jobs"]["flow"]["steps"] if "run" in step]

    assert [shlex.split(step)[0] for step in steps] == ["pip", "pytest", "adk-flow"]
    tested, checked = (shell(step, project) for step in steps[1:])
    assert "2 passed" in tested.stdout, tested.stdout
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.startswith("::notice::adk-flow: ")


def test_the_picture_of_a_failure_is_a_true_one():
    [shown] = PAGE.of("text")
    expected = ["start user to Shop", "Shop => Stock"]
    called = ["Shop -> Stock (agent_tool)", "Shop <- Stock"]
    actual = ["start user to Shop", *called, "end Shop to user"]

    assert shown.splitlines() == side_by_side(aligned(expected, actual))


def test_adks_evaluation_takes_the_configuration():
    [text] = PAGE.of("json")

    metrics = get_eval_metrics_from_config(EvalConfig.model_validate(json.loads(text)))

    assert [metric.custom_function_path for metric in metrics[:2]] == [
        "adk_flow.check.llm_calls",
        "adk_flow.check.answered_by",
    ]
