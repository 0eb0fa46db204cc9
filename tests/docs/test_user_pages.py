"""docs/record.md and docs/choose.md do what they say, for an app that is not of this repository."""

import re

import pytest

from tests.doubles.pages import BIN, ROOT, Page, shell

PAGES = {name: Page(f"docs/{name}.md") for name in ("record", "choose")}


def write_projects(folder):
    for page in PAGES.values():
        page.write(folder)


def follow(page, folder, programs=BIN):
    """Runs a page's commands in order, and finds what it shows in what they print."""
    printed, compared = "", 0
    for block in page.blocks:
        if block.language == "sh":
            for line in block.text.splitlines():
                done = shell(line, folder, programs)
                assert done.returncode == 0, (line, done.stdout, done.stderr)
                printed = done.stdout
        elif block.language == "text":
            in_order(block.text.splitlines(), printed.splitlines())
            compared += 1
    return compared


def in_order(shown, printed):
    """Checks that lines were printed in this order; `…` stands for any words at a line's end."""
    left = iter(printed)
    for line in shown:
        wanted = re.escape(line.replace(" …", "…")).replace("…", ".*")
        assert any(re.fullmatch(wanted, one.rstrip()) for one in left), (line, printed)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_projects(folder)
    return folder


@pytest.mark.parametrize(("name", "compared"), [("record", 3), ("choose", 1)])
def test_a_page_is_followed_as_it_stands(name, compared, project):
    assert follow(PAGES[name], project) == compared


def test_the_figures_of_the_choice_are_the_readmes():
    rows = re.findall(r"^\| `(\w+)` \| \*\*(\S+)\*\* \|(.*)\|$", Page("README.md").text, re.M)
    after = {name: figures for name, figures, _ in rows}
    in_a_row = {name: rest.split("|")[3].strip() for name, _, rest in rows}
    told = PAGES["choose"].text

    calls = re.findall(r"`(\w+)`\s+(\d+→\d+)", told)
    chains = re.findall(r"`(\w+)`\s+(\d+)\s+in\s+a\s+row", told)

    assert len(calls) == 6
    assert len(chains) == 4
    assert {name: after[name] for name, _ in calls} == dict(calls)
    assert {name: in_a_row[name] for name, _ in chains} == dict(chains)


def test_the_choice_tells_every_construct():
    from adk_flow.wiring import CONSTRUCTS

    table = PAGES["choose"].text.split("## On your own app")[0]

    assert [name for name in CONSTRUCTS if f"`{name}`" not in table] == []


def test_the_pages_hold_the_same_app_and_links_lead_somewhere():
    for page in PAGES.values():
        for target in re.findall(r"\]\(([^)#:]+)\)", page.text):
            assert (ROOT / "docs" / target).exists(), target
