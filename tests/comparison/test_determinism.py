"""Two planned comparisons give the same JSON, byte for byte, ids and wall-clock fields aside."""

import itertools
import time

import msgspec
import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App

from adk_flow.comparison.runner import compare
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import CONSTRUCTS

PLAN = [
    {"agent": name, "ask": f"find {name}", "tools": [{"name": "look", "args": {"thing": name}}]}
    for name in ("A", "B", "C")
]
TALKS = {
    "three at once": {"turns": [{"say": "Find all.", "specialist": ["A", "B", "C"], "plan": PLAN}]},
    "follow-up": {"turns": [{"say": "Find A.", "specialist": "A", "plan": [PLAN[0]]}] * 2},
}
WALL_CLOCK = {"wall_seconds", "overhead_seconds", "began", "ended", "log"}


def app_at(pace):
    """An app whose tools take other times in every run."""

    def look(thing: str) -> str:
        """Looks a thing up."""
        time.sleep(next(pace))
        return f"{thing} found"

    agents = [
        LlmAgent(name=n, model="gemini-2.5-flash", description=n, tools=[look])
        for n in ("A", "B", "C")
    ]
    lead = LlmAgent(name="Lead", model="gemini-2.5-flash", sub_agents=[*agents])
    return App(name="app", root_agent=lead)


def without_clock(value):
    if isinstance(value, dict):
        return {key: without_clock(v) for key, v in value.items() if key not in WALL_CLOCK}
    return [without_clock(part) for part in value] if isinstance(value, list) else value


def compared(pace, constructs, folder):
    talks = {name: msgspec.convert(talk, Conversation) for name, talk in TALKS.items()}
    app = app_at(itertools.cycle(pace))
    comparison = compare(app, talks, constructs, folder=folder, jobs=2)
    return comparison, msgspec.json.encode(without_clock(comparison_to_data(comparison)))


@pytest.mark.parametrize(
    "constructs",
    [
        ["agent_tool", "task", "coordinator", "parallel"],
        pytest.param(CONSTRUCTS, marks=pytest.mark.environments),  # for its time
    ],
)
def test_two_planned_comparisons_give_the_same_json(constructs, tmp_path, monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)

    # Longer than what is told of calls in a row, which here are so because a plan plays.
    first, written = compared([0.06, 0.06, *[0.0] * 15], constructs, tmp_path / "first")
    second, again = compared([0.0, 0.01, 0.0, 0.0, 0.03], constructs, tmp_path / "second")

    assert (first.kind, first.winners) == ("controlled", second.winners)
    assert first.winners
    assert written == again
