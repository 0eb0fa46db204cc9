"""The wheel in environments of its own, with an app that is not of this repository."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.doubles.collector import collecting
from tests.doubles.command import run_program
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
    needed = ("pytest", "pytest-asyncio", "duckdb", *pinned)
    programs = installed(tmp_path, *needed, extras="[offline,litellm,otlp,parquet]")

    assert follow(PAGES["record"], project, programs) == 3
    assert follow(PAGES["choose"], project, programs) == 2
    follow(Page("docs/agent_tool.md"), project, programs)
    _follow_exports(project, programs)
    _follow_in_a_copy(tmp_path / "copy", programs)
    skill = Page("skills/adk-flow/SKILL.md")
    write_projects(tmp_path / "skill")
    skill.write(tmp_path / "skill")
    follow(skill, tmp_path / "skill", programs)

    guard = Page("docs/ci.md")
    guard.write(project)
    workflow = yaml.safe_load(guard.files[".github/workflows/flow.yml"])
    for step in workflow["jobs"]["flow"]["steps"]:
        if shlex.split(step.get("run", "pip"))[0] != "pip":
            done = shell(step["run"], project, programs)
            assert done.returncode == 0, (step, done.stdout, done.stderr)


def _follow_exports(project, programs):
    page = Page("docs/export.md")
    with collecting() as (address, taken):
        for line in page.commands:
            done = shell(line.replace("http://localhost:4318", address), project, programs)
            assert done.returncode == 0, (line, done.stderr)
    assert taken
    for code in page.of("python"):
        done = run_program(programs / "python", "-Wignore", "-c", code, folder=project)
        assert done.returncode == 0, (code, done.stderr)


def _follow_in_a_copy(folder, programs):
    """Follows what is about the desk and the examples, where there is nothing else."""
    desk = ("root_agent", "sub_agents", "tools", "callbacks")
    for name in (*desk, "constructs", "conversations", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    settings = {"MODEL_NAME": "offline", "ADK_FLOW_DIR": "flow_logs"}
    follow(Page("README.md"), folder, programs, settings)
    for page in ROOT.glob("examples/*/README.md"):
        for line in Page(str(page.relative_to(ROOT))).commands:
            done = shell(line, folder / "examples", programs, settings)
            assert done.returncode == 0, (line, done.stderr)
    for name in ("compare", "decisions"):
        page = Page(f"docs/{name}.md")
        (folder / "decisions.yaml").write_text("".join(page.of("yaml")[:1]))
        code = "\n".join(page.of("python")).replace("FILE", "'decisions.yaml'")
        done = run_program(programs / "python", "-Wignore", "-c", code, folder=folder, **settings)
        assert done.returncode == 0, (name, done.stderr)


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
