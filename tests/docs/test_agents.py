"""What coding agents are given: a skill whose commands work as they stand, and a configuration."""

import json
import re

import pytest
import yaml

from tests.doubles.pages import ROOT, Page, follow, shell, write_projects

SKILL = Page("skills/adk-flow/SKILL.md")


def test_the_skill_says_what_it_is_for():
    _, front, body = re.split(r"^---$", SKILL.text, maxsplit=2, flags=re.M)
    head = yaml.safe_load(front)

    assert head["name"] == (ROOT / "skills" / "adk-flow").name
    assert 200 < len(head["description"]) < 1024  # which is as much as agents read of it
    assert len(body.splitlines()) < 200


@pytest.mark.environments
def test_its_commands_are_followed_in_the_project_that_it_describes(tmp_path):
    write_projects(tmp_path)
    SKILL.write(tmp_path)

    follow(SKILL, tmp_path)

    measured = json.loads((tmp_path / "comparison" / "results.json").read_text())
    assert [row["construct"] for row in measured["constructs"]] != []
    assert measured["recommendation"]
    broken = SKILL.files["flow.yaml"].replace("llm_calls: 8", "llm_calls: 1")
    (tmp_path / "flow.yaml").write_text(broken)
    assert shell(SKILL.commands[-1], tmp_path).returncode == 1


def test_the_configuration_names_the_command():
    [block] = Page("docs/agents.md").of("json")
    server = json.loads(block)["mcpServers"]["adk-flow"]

    assert server["command"].endswith("/adk-flow")
    assert shell(f"adk-flow {server['args'][0]} --help", ROOT).returncode == 0
