"""The GitHub Action: its own steps, in a repository of their own, against an API on 127.0.0.1."""

import json
import os
import re
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.doubles.command import APP, run_program
from tests.doubles.pages import BIN, ROOT, Page

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
HOSTILE = "It is 6%. ``` </details> @everybody <img src=x> ::error::no"


@contextmanager
def github(comments, status=200):
    """Keeps the comments of a pull request as GitHub's API does; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            first = (int(query["page"][0]) - 1) * 100
            self._answer(comments[first : first + 100])

        def do_POST(self):
            assert self.path == "/repos/us/shop/issues/7/comments"
            self._change({"id": len(comments) + 1, "user": {"type": "Bot"}}, comments.append)

        def do_PATCH(self):
            number = int(self.path.removeprefix("/repos/us/shop/issues/comments/"))
            self._change(comments[number - 1], lambda comment: None)

        def _change(self, comment, keep):
            assert self.headers["Authorization"] == "Bearer secret"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if status == 200:
                keep(comment)
                comment["body"] = body["body"]
            self._answer(comment)

        def _answer(self, data):
            text = json.dumps(data).encode()
            self.send_response(status if self.command != "GET" else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def comment(report, address, folder):
    """Runs the step's program on a report."""
    (folder / "report.md").write_text(report)
    about = {"GITHUB_API_URL": address, "GITHUB_REPOSITORY": "us/shop", "NUMBER": "7"}
    words = ("python", ROOT / "action" / "comment.py", folder / "report.md")
    return run_program(*words, folder=folder, GITHUB_TOKEN="secret", **about)


def somebody(number):
    user = {"type": "User"} if number > 1 else None  # of whom GitHub knows nothing any more
    return {"id": number, "user": user, "body": "<!-- adk-flow shop -->\nmine"}


def test_one_comment_is_kept_up_to_date_and_nobody_elses_is_changed(tmp_path):
    comments = [somebody(number) for number in range(1, 102)]
    with github(comments) as address:
        for words in ("first", "second"):
            done = comment(f"<!-- adk-flow shop -->\n{words}", address, tmp_path)
            assert done.returncode == 0, done.stderr
        comment(f"<!-- adk-flow other -->\n{'long ' * 20_000}", address, tmp_path)

    assert comments[:101] == [somebody(number) for number in range(1, 102)]
    second, other = (each["body"] for each in comments[101:])
    assert second == "<!-- adk-flow shop -->\nsecond"
    assert other.startswith("<!-- adk-flow other -->\n")
    assert "see the summary" in other


def test_a_token_that_may_not_comment_is_a_warning(tmp_path):
    with github(comments := [], status=403) as address:
        done = comment("<!-- adk-flow shop -->\nwords", address, tmp_path)

    assert (done.returncode, comments) == (0, [])
    assert done.stdout.startswith("::warning::adk-flow: the token may not comment")


def test_no_value_becomes_part_of_a_script():
    assert all("${{" not in step["run"] for step in STEPS.values())
    with_token = [name for name, step in STEPS.items() if "token" in str(step.get("env"))]
    assert with_token == ["Comment"]


def test_the_documented_workflow_and_hook_give_what_they_take():
    files = Page("docs/ci.md").files
    workflow = yaml.safe_load(files[".github/workflows/pull_request.yml"])
    hooks = yaml.safe_load(files[".pre-commit-config.yaml"])
    *_, action = workflow["jobs"]["flow"]["steps"]
    required = {name for name, each in ACTION["inputs"].items() if each.get("required")}
    [hook] = hooks["repos"][0]["hooks"]

    assert workflow[True] == "pull_request"  # `on` is a truth in YAML 1.1
    assert required <= action["with"].keys() <= ACTION["inputs"].keys()
    assert hook["id"] == HOOK["id"]


PULL = {
    "github.event_name": "pull_request",
    "github.repository": "us/shop",
    "github.event.pull_request.head.repo.full_name": "us/shop",
    "github.event.pull_request.number": "7",
}


class Job:
    """A workflow's job on a pull request: a clone, and what GitHub gives to its steps."""

    def __init__(self, folder, address, values):
        self.folder, self.values = folder, {**PULL, **values}
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        (folder / "temp").mkdir(exist_ok=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GITHUB")},
            **{name: str(file) for name, file in self.files.items()},
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(folder / "clone"),
            "GITHUB_API_URL": address,
            "GITHUB_REPOSITORY": "us/shop",
            "RUNNER_TEMP": str(folder / "temp"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self):
        """Runs the steps until one fails; gives their names, and what they printed."""
        names, printed, code = [], "", 0
        for name, step in STEPS.items():
            if name == "Install" or not self.holds(step.get("if", "")):
                continue
            given = {key: self.filled(value) for key, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.folder / "clone",
                env={**self.environment, **given},
                capture_output=True,
                text=True,
            )
            names.append(name)
            printed, code = f"{printed}{done.stdout}{done.stderr}", done.returncode
            if code:
                break
        return names, printed, code

    def holds(self, condition):
        """Whether a step's condition does, which compares values and words for being the same."""
        pairs = [each.split(" == ") for each in condition.split(" && ") if each]
        return all(self.value(a) == self.value(b) for a, b in pairs)

    def filled(self, text):
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: self.value(found[1]), text)

    def value(self, name):
        if name.startswith("'"):
            return name.strip("'")
        if name.startswith("steps.check.outputs."):
            lines = self.files["GITHUB_OUTPUT"].read_text().splitlines()
            return dict(line.split("=") for line in lines)[name.rpartition(".")[2]]
        return self.values[name]


def git(*words, folder):
    about = ("-c", "user.name=us", "-c", "user.email=us@example.org")
    done = subprocess.run(["git", *about, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def job(tmp_path):
    """A pull request that lets the lead answer by itself, where it asked Loans before."""
    clone = tmp_path / "clone"
    (clone / "shop").mkdir(parents=True)
    (clone / "shop" / "agent.py").write_text(APP)
    git("init", "--quiet", folder=clone)
    git("add", ".", folder=clone)
    git("commit", "--quiet", "-m", "before", folder=clone)
    changed = APP.replace('call("Loans", request="How dear?"), "It is 5%."', repr(HOSTILE))
    (clone / "shop" / "agent.py").write_text(changed)
    (clone / "flow.yaml").write_text("hold: ['Cost?']\nllm_calls: 3\nnever_speaks: [Root]\n")
    values = {
        "inputs.app": "shop",
        "inputs.expect": "flow.yaml",
        "inputs.token": "secret",
        "github.event.pull_request.base.sha": git("rev-parse", "HEAD", folder=clone),
    }
    return lambda address, **more: Job(tmp_path, address, {**values, **more})


@pytest.mark.environments  # for its time: four commands in processes of their own
def test_a_pull_request_is_told_what_it_changes(job):
    with github(comments := []) as address:
        pull = job(address)
        names, printed, code = pull.run()

    assert (names, code) == (["Check", "Before", "Report", "Comment", "Result"], 1)
    assert "::error file=flow.yaml,line=3,title=adk-flow%3A never_speaks::" in printed
    [comment] = comments
    report = comment["body"]
    assert pull.files["GITHUB_STEP_SUMMARY"].read_text() == report
    assert "    flow.yaml:3: never_speaks: Root" in report
    assert "    llm_calls: 3 -> 1\n" in report
    before, after = re.findall(
        r"^\*\*Turn 1 (?:before|after):\*\*\n\n(```mermaid\n.*?```)$", report, re.M | re.S
    )
    assert ("Loans" in before, "Loans" in after) == (True, False)
    outside = re.sub(r"^```mermaid\n.*?^```$", "", report, flags=re.M | re.S)
    lines = [line for line in outside.splitlines() if line and not line.startswith("    ")]
    assert lines == [
        *("<!-- adk-flow shop -->", "### Flow: rules broken, or not checked"),
        *("**Turn 1 before:**", "**Turn 1 after:**"),
    ]


@pytest.mark.environments
def test_a_forks_pull_request_gets_a_summary_and_no_comment(job):
    fork = {"github.event.pull_request.head.repo.full_name": "them/shop"}
    with github(comments := []) as address:
        forked = job(address, **fork)
        names, _, _ = forked.run()
        refused = job(address, **{"github.event_name": "pull_request_target"}).run()

    assert (names, comments) == (["Check", "Before", "Report", "Result"], [])
    assert "```mermaid" in forked.files["GITHUB_STEP_SUMMARY"].read_text()
    assert (refused[0], refused[2]) == (["Refuse"], 1)


def test_the_hook_of_pre_commit_is_the_command_and_installs_from_its_own_repository(job, tmp_path):
    job("")
    words = [*HOOK["entry"].split(), "shop", "--expect", "flow.yaml"]

    done = run_program(*words, folder=tmp_path / "clone")

    assert (done.returncode, HOOK["language"], HOOK["pass_filenames"]) == (1, "python", False)
    assert "flow.yaml:3: never_speaks" in done.stdout
    assert HOOK["additional_dependencies"] == [".[offline]"]
