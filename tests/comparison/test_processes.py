"""Trials in several processes, of which one is killed, and in shards: equal to one process."""

from __future__ import annotations

import msgspec
import pytest

from adk_flow.comparison.processes import choose_processes, split_trials
from adk_flow.comparison.runner import compare
from adk_flow.comparison.shards import merge_shards
from adk_flow.comparison.store import Trial
from adk_flow.errors import AdkFlowError
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.scenario.conversation import Conversation
from tests.comparison.test_determinism import without_clock
from tests.doubles.command import own_modules, write_app

APP = """
import multiprocessing, os, signal
from pathlib import Path
from google.adk.agents import LlmAgent

def look(thing: str) -> str:
    "Looks a thing up."
    return f"{thing} found"

def die_once(callback_context):
    mark = Path(__file__).with_name("dying")
    if multiprocessing.parent_process() and mark.exists():
        mark.unlink()
        os.kill(os.getpid(), signal.SIGKILL)

below = [LlmAgent(name=name, model="offline", description=name, tools=[look]) for name in "AB"]
root_agent = LlmAgent(
    name="Lead", model="offline", sub_agents=below, before_agent_callback=die_once
)
"""
PLAN = [
    {"agent": name, "ask": f"find {name}", "tools": [{"name": "look", "args": {"thing": name}}]}
    for name in "AB"
]
TALKS = {
    "both": {"turns": [{"say": "Find both.", "specialist": ["A", "B"], "plan": PLAN}]},
    "follow-up": {"turns": [{"say": "Find A.", "specialist": "A", "plan": PLAN[:1]}] * 2},
}
CONSTRUCTS = ["agent_tool"]


@pytest.fixture(scope="module")
def made(folder):
    """Runs the app, in the way that the options say, into a folder of that name."""

    def make(name: str, constructs=CONSTRUCTS, talks=TALKS, **options):
        asked = {name: msgspec.convert(talk, Conversation) for name, talk in talks.items()}
        with own_modules():
            return compare(
                folder / "desk", asked, constructs, folder=folder / name, trials=3, **options
            )

    return make


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_app(tmp_path_factory.mktemp("wide") / "desk", APP).parent


@pytest.fixture(scope="module")
def one(made):
    return made("one", jobs=1, faults=True)


def written(comparison):
    return msgspec.json.encode(without_clock(comparison_to_data(comparison)))


@pytest.mark.environments
def test_processes_make_what_one_makes(made, one, folder):
    seen = []

    several = made("several", jobs=2, faults=True, progress=lambda *done: seen.append(done))

    assert written(several) == written(one)
    assert (several.kind, len(several.runs), len(several.faults.cells)) == ("controlled", 12, 14)
    assert (seen[0], seen[-1]) == ((0, 28), (28, 28))
    assert len(list((folder / "several" / "trials").iterdir())) == 2


@pytest.mark.environments
def test_the_trials_of_a_process_that_is_killed_are_made_by_another(made, one, folder):
    dying = folder / "desk" / "dying"
    dying.touch()

    several = made("killed", jobs=2, faults=True)

    assert not dying.exists()
    assert written(several) == written(one)
    assert not list((folder / "killed").rglob("*.part"))


@pytest.fixture(scope="module")
def shards(made, folder):
    for number in (1, 2):
        made(f"shard-{number}", faults=True, shard=f"{number}/2")
    return [folder / "shard-1", folder / "shard-2"]


@pytest.mark.environments
def test_merged_shards_are_equal_to_one_run(made, one, folder, shards):
    merged = merge_shards(shards[::-1], folder / "merged")

    assert written(merged) == written(one)
    again = made("merged", faults=True)
    assert written(again) == written(one)
    assert len(list((folder / "merged" / "trials").iterdir())) == 1


@pytest.mark.parametrize("words", ["0/3", "4/3", "1", "a/b", "1/", "-1/3"])
def test_what_is_no_share_is_refused(made, words):
    with pytest.raises(AdkFlowError, match="expected a shard such as 1/3"):
        made("none", shard=words)


def test_batches_hold_every_trial_once_in_order():
    trials = [Trial("transfer", "one", number) for number in range(101)]

    for workers in (1, 2, 7, 64):
        batches = split_trials(trials, workers)
        assert [trial for batch in batches for trial in batch] == trials
        assert len(batches) >= workers


def test_more_processes_are_started_only_where_they_pay():
    assert choose_processes(99, None) == 1
    assert choose_processes(3, 8) == 3
    assert 1 <= choose_processes(10_000, None) <= 200
