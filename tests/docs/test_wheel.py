"""The wheel in environments of its own, with an app that is not of this repository."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.doubles.pages import PAGES, ROOT, Page, follow, shell, write_projects

UV = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent) or ""

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(not UV, reason="needs uv"),
]


def uv(*words):
    done = subprocess.run([UV, *map(str, words)], capture_output=True, text=True)
    if done.returncode and "fetch" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr


def installed(folder, *needed, extras=""):
    """Makes an environment that holds the wheel, and gives the folder of its programs."""
    uv("build", "--quiet", "--wheel", "--out-dir", folder / "dist", ROOT)
    [wheel] = (folder / "dist").glob("*.whl")
    uv("venv", "--quiet", "--python", sys.executable, folder / "environment")
    python = folder / "environment" / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, f"{wheel}{extras}", *needed)
    return python.parent


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A user's project, away from the repository and its packages."""
    write_projects(tmp_path / "project")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path / "project"


def test_the_pages_are_followed_with_nothing_but_the_wheel(tmp_path, project):
    pinned = ("-c", ROOT / "constraints.txt")
    programs = installed(tmp_path, "pytest", "pytest-asyncio", *pinned, extras="[offline,litellm]")

    assert follow(PAGES["record"], project, programs) == 3
    assert follow(PAGES["choose"], project, programs) == 2

    guard = Page("docs/ci.md")
    guard.write(project)
    workflow = yaml.safe_load(guard.files[".github/workflows/flow.yml"])
    for step in workflow["jobs"]["flow"]["steps"]:
        if shlex.split(step.get("run", "pip"))[0] != "pip":
            done = shell(step["run"], project, programs)
            assert done.returncode == 0, (step, done.stdout, done.stderr)


def test_an_older_adk_is_recorded_and_told_what_it_cannot_do(tmp_path, project):
    programs = installed(tmp_path, "google-adk==1.39.1", extras="[offline]")
    page = Page("docs/record.md")
    # Agents have modes since ADK 2.
    page.blocks = [one._replace(text=one.text.replace(", mode chat", "")) for one in page.blocks]

    assert follow(page, project, programs) == 3
    done = shell("adk-flow compare library --question Hello --model offline", project, programs)

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("adk-flow: rewiring needs google-adk 2.4 or newer, and 1.39.1 is ")
