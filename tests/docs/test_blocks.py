"""Every command and program of the documentation is run by a test as it stands, or is marked.

Marked are ```console, for what needs a key, a network or a terminal, or has a placeholder; and by a
second word behind the fence: `make` a target, `eval` what needs ADK's extra of that name, `part` a
part of a program.
"""

import re

import pytest

from tests.doubles.command import run_program
from tests.doubles.pages import ROOT, Page

FOLLOWED = {
    "README.md": "tests/docs/test_wheel.py",
    "docs/agent_tool.md": "tests/docs/test_blocks.py",
    "docs/choose.md": "tests/docs/test_user_pages.py",
    "docs/ci.md": "tests/docs/test_ci_docs.py",
    "docs/compare.md": "tests/docs/test_blocks.py",
    "docs/decisions.md": "tests/docs/test_blocks.py",
    "docs/export.md": "tests/export/test_export.py",
    "docs/record.md": "tests/docs/test_user_pages.py",
    "docs/versions.md": "tests/releases/test_other_releases.py",
    "skills/adk-flow/SKILL.md": "tests/docs/test_agents.py",
    **{
        f"examples/{file.parent.name}/README.md": "tests/example_apps/test_taken_away.py"
        for file in ROOT.glob("examples/*/README.md")
    },
}
"""The test that runs the commands and programs of a page."""
MARKED = {"sh make", "sh eval", "python eval", "python part", "json eval"}
DATA = {"console", "text", "mermaid", "yaml", "json"}
FILES = ("README.md", "docs/*.md", "examples/*/README.md", "skills/*/SKILL.md")
PAGES = {
    str(file.relative_to(ROOT)): Page(str(file.relative_to(ROOT)))
    for pattern in FILES
    for file in ROOT.glob(pattern)
}


def test_each_page_with_commands_or_programs_is_followed_by_a_test():
    languages = {name: {block.language for block in page.blocks} for name, page in PAGES.items()}

    assert {name: each - MARKED - DATA - {"sh", "python"} for name, each in languages.items()} == {
        name: set() for name in PAGES
    }
    run = {name for name, each in languages.items() if each & {"sh", "python"}}
    assert run == FOLLOWED.keys()
    assert [test for test in FOLLOWED.values() if not (ROOT / test).exists()] == []


def test_each_page_has_its_place_in_the_site():
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    places = set(re.findall(r"- (?:.*: )?(\S+\.md)$", nav, re.M))

    assert {file.name for file in ROOT.glob("docs/*.md")} <= places


def test_targets_that_are_named_are_in_the_makefile():
    lines = [
        line for page in PAGES.values() for text in page.of("sh make") for line in text.splitlines()
    ]
    targets = set((ROOT / "Makefile").read_text().partition(".PHONY: ")[2].splitlines()[0].split())

    assert lines
    assert [line for line in lines if not re.match(r"make (\w|-)+( |$)", line)] == []
    assert {line.split()[1] for line in lines} <= targets


@pytest.mark.parametrize("name", ["agent_tool", "compare", "decisions"])
def test_a_program_runs_in_the_repository(name, tmp_path):
    page, file = PAGES[f"docs/{name}.md"], tmp_path / "decisions.yaml"
    file.write_text("".join(page.of("yaml")[:1]))
    code = "\n".join(page.of("python")).replace("FILE", repr(str(file)))
    code = code.replace('Path("comparison")', f"Path({str(tmp_path)!r})")

    done = run_program(
        "python", "-c", code, folder=ROOT, MODEL_NAME="offline", ADK_FLOW_DIR=str(tmp_path)
    )

    assert done.returncode == 0, done.stderr
