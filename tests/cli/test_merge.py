"""The command `adk-flow merge` as a user types it, on shards of a comparison."""

import json
import shutil
from typing import Any

import pytest

from tests.comparison.test_determinism import without_clock
from tests.doubles.command import assert_refused, run_command, write_app

APP = """
from google.adk.agents import LlmAgent

below = [LlmAgent(name=name, model="offline", description=name) for name in "AB"]
root_agent = LlmAgent(name="Lead", model="offline", sub_agents=below)
"""
PLAN = "turns: [{say: Find both., plan: [{agent: A, ask: find}, {agent: B, ask: find}]}]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The two shards of a comparison, a whole one, and shards of others."""
    folder = tmp_path_factory.mktemp("merge")
    write_app(folder / "desk", APP)
    (folder / "talk.yaml").write_text(PLAN)
    for out, options in {
        "whole": (),
        "one": ("--shard", "1/2"),
        "two": ("--shard", "2/2"),
        "other": ("--shard", "2/2", "--deep"),
    }.items():
        command = ("compare", "desk", "--constructs", "transfer,agent_tool", "--trials", "2")
        words = (*command, "--conversation", "talk.yaml", "--jobs", "1", "--out", out, *options)
        done = run_command(*words, folder=folder)
        assert done.returncode == 0, done.stderr
    for name, change in {"three": {"of": 3}, "talk": {"digests": {"talk": "another"}}}.items():
        shutil.copytree(folder / "two", folder / name)
        shard = folder / name / "shard.json"
        shard.write_text(json.dumps(json.loads(shard.read_text()) | change))
    return folder


def results(folder) -> Any:
    return without_clock(json.loads((folder / "results.json").read_text()))


def test_merged_shards_are_the_comparison_of_one_run(folder):
    done = run_command("merge", "two", "one", "--out", "merged", folder=folder)

    assert done.returncode == 0, done.stderr
    assert results(folder / "merged") == results(folder / "whole")
    pages = [
        sorted(str(page.relative_to(folder / out)) for page in (folder / out).rglob("flows/**/*"))
        for out in ("merged", "whole")
    ]
    assert pages[0] == pages[1]
    again = run_command("merge", "one", "two", "--out", "merged", folder=folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert results(folder / "merged") == results(folder / "whole")


def test_the_only_shard_of_one_is_merged_too(folder):
    made = run_command(*COMPARE, "--shard", "1/1", "--out", "only", folder=folder)
    done = run_command("merge", "only", "--out", "of-one", folder=folder)

    assert (made.returncode, done.returncode) == (0, 0), made.stderr + done.stderr
    assert len(results(folder / "of-one")["runs"]) == 3


@pytest.mark.parametrize(
    ("shards", "words"),
    [
        (["one"], "adk-flow: shard 2 of 2 is missing; name every shard"),
        (["one", "one"], "one: holds shard 1 of 2, as one does"),
        (["one", "./one/"], "one: holds shard 1 of 2, as one does"),
        (["one", "three"], "three: the number of shards is another (3) than in one"),
        (["one", "talk"], "talk: the conversations are others than in one"),
        (["one", "other"], "other: what is compared (its deep) is another than in one"),
        (["one", "whole"], "whole: holds no shard of a comparison"),
        (["one", "none"], "none: does not exist"),
        (["one", "talk.yaml"], "talk.yaml: is no folder"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(folder, shards, words):
    assert_refused(run_command("merge", *shards, "--out", "refused", folder=folder), words)

    assert not (folder / "refused").exists()


def files(folder):
    """What lies in it, but for what Python keeps of an app."""
    found = [
        path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    ]
    return {str(path): path.read_bytes() for path in found}


COMPARE = ("compare", "desk", "--conversation", "talk.yaml", "--constructs", "transfer,agent_tool")


@pytest.mark.parametrize(
    ("command", "out", "words"),
    [
        (COMPARE, "desk", "holds agent.py, which is no comparison's"),
        (("compare", "whole/logs"), "desk", "holds agent.py, which is no comparison's"),
        ((*COMPARE, "--shard", "2/2"), "whole", "holds a comparison that is no shard"),
        ((*COMPARE, "--trials", "2"), "two", "holds shard 2 of 2"),
        ((*COMPARE, "--trials", "2", "--shard", "1/2"), "two", "holds shard 2 of 2"),
        (("merge", "one", "two"), "one", "is a shard itself"),
        (("merge", "one", "two"), "desk", "holds agent.py, which is no comparison's"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_left_as_it_is(folder, command, out, words):
    before = files(folder)

    refused = run_command(*command, "--out", out, folder=folder)

    assert refused.stderr.splitlines()[-1] == f"adk-flow: --out {out}: {words}; name a new folder"
    assert (refused.returncode, refused.stdout) == (2, "")
    assert files(folder) == before


def test_a_share_without_trials_says_so(folder):
    """Of three constructs, a trial each."""
    share = (*COMPARE, "--shard", "3/999", "--out", "last")
    last, again = (run_command(*share, folder=folder) for _ in range(2))
    none = run_command(*COMPARE, "--shard", "4/999", "--out", "none", folder=folder)

    assert "adk-flow: shard 4 of 999 has no trials: there are only 3\n" in none.stderr
    assert "0 of 0" not in none.stderr
    assert "no trials" not in last.stderr
    assert (last.returncode, again.returncode, none.returncode) == (0, 0, 0)


@pytest.mark.parametrize("text", ["{", None])
def test_a_shard_without_its_state_is_told_as_such(folder, tmp_path, text):
    shutil.copytree(folder / "two", tmp_path / "two")
    state = tmp_path / "two" / "experiment.json"
    state.write_text(text) if text else state.unlink()

    done = run_command("merge", folder / "one", tmp_path / "two", "--out", "new", folder=tmp_path)

    place = f"{state}: is no experiment's: " if text else f"{state.parent}: lacks experiment.json; "
    assert_refused(done, f"adk-flow: {place}")
    assert done.stderr.endswith("; make this shard again\n")
    assert not (tmp_path / "new").exists()
    assert state.exists() == bool(text)


def test_runs_that_a_shard_lacks_are_told(folder):
    """One has no log, and of another the line was cut."""
    shutil.copytree(folder / "two", folder / "torn")
    (lines,) = (folder / "torn" / "trials").iterdir()
    lines.write_bytes(lines.read_bytes()[:-9])
    next((folder / "torn" / "logs").rglob("*.jsonl")).unlink()

    done = run_command("merge", "one", "torn", "--out", "lacking", folder=folder)

    assert done.returncode == 1
    assert "the shards lack 2 runs" in " ".join(done.stdout.split())
    assert len(results(folder / "lacking")["runs"]) == 4
    lines.write_bytes(lines.read_bytes().replace(b"transfer", b"\xff", 1))
    damaged = run_command("merge", "one", "torn", "--out", "damaged", folder=folder)
    assert_refused(damaged, ".jsonl: is no experiment's: ")
