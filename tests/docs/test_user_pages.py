"""docs/record.md and docs/choose.md do what they say, for an app that is not of this repository."""

import re
from itertools import chain
from typing import Any

import pytest
import typer

from adk_flow.cli import make_command
from tests.doubles.pages import PAGES, ROOT, Page, follow, write_projects


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_projects(folder)
    return folder


@pytest.mark.parametrize(("name", "compared"), [("record", 3), ("choose", 2)])
def test_a_page_is_followed_as_it_stands(name, compared, project):
    assert follow(PAGES[name], project) == compared


def test_the_figures_of_the_choice_are_the_readmes():
    rows = re.findall(r"^\| `(\w+)` \| \*\*(\S+)\*\* \|(.*)\|$", Page("README.md").text, re.M)
    after = {name: figures for name, figures, _ in rows}
    critical = {name: rest.split("|")[3].strip() for name, _, rest in rows}
    told = PAGES["choose"].text

    calls = re.findall(r"`(\w+)`\s+(\d+→\d+)", told)
    chains = re.findall(r"`(\w+)`\s+\(critical\s+path\s+(\d+)\)", told)

    assert len(calls) == 6
    assert len(chains) == 4
    assert {name: after[name] for name, _ in calls} == dict(calls)
    assert {name: critical[name] for name, _ in chains} == dict(chains)


def test_the_choice_tells_every_construct():
    from adk_flow.wiring import CONSTRUCTS

    table = PAGES["choose"].text.split("## On your own app")[0]

    assert [name for name in CONSTRUCTS if f"`{name}`" not in table] == []


def test_the_pages_hold_the_same_app_and_links_lead_somewhere():
    for page in PAGES.values():
        for target in re.findall(r"\]\(([^)#:]+)\)", page.text):
            assert (ROOT / "docs" / target).exists(), target


def test_every_option_that_a_page_names_is_one_of_its_command():
    every: Any = typer.main.get_command(make_command())
    options = {
        name: [*chain(*(each.opts for each in one.params))] for name, one in every.commands.items()
    }
    lines = re.compile(rf"adk-flow ({'|'.join(options)})\b([^`\n#;|]*)")
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("skills/*/*.md")]

    named = [
        (command, option)
        for file in files
        for command, rest in lines.findall(file.read_text())
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest.split("--with ")[0])
    ]

    assert len(named) > 50
    assert [(command, option) for command, option in named if option not in options[command]] == []


def test_the_page_of_situations_names_tests_that_exist():
    page = (ROOT / "docs" / "situations.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", page)

    assert len(named) > 20
    assert [file for file, _ in named if not (ROOT / file).exists()] == []
    tests = [(file, test) for file, test in named if test]
    assert [test for file, test in tests if f"def {test}(" not in (ROOT / file).read_text()] == []


def test_nothing_says_to_install_it_by_a_name_that_anybody_could_register():
    bare = re.compile(
        r"""(?:install|uvx|--from|pipx run)\b[^`\n]*?[ "'](adk[-_]flow\b(?!'s|.* @ ).*)"""
    )
    assert bare.search('pip install pytest "adk-flow[offline]"')
    folders = ("docs", "src", "skills", "examples", "benchmarks")
    texts = [*ROOT.glob("*.*"), *(file for each in folders for file in (ROOT / each).rglob("*.*"))]

    named = [
        (file.name, line[1])
        for file in texts
        if file.suffix in {".md", ".py", ".yml", ".yaml", ".toml", ".j2"}
        for line in bare.finditer(file.read_text())
    ]

    assert named == []
