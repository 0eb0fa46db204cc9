"""The evening brief: run by ADK's command and by adk-flow, offline, and as its page tells it."""

import pytest

from adk_flow.check.snapshot import picture
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from tests.doubles.flow import expected
from tests.doubles.pages import ROOT, Page
from tools.cities import FOLDER
from tools.transit import DISRUPTIONS, evening_transit
from tools.weather import EVENINGS, evening_weather

PAGE = Page("docs/patterns/evening_brief.md")
BERLIN = "Give me my evening brief for Berlin."


@pytest.fixture
def brief(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    return load_app(ROOT / "examples" / "evening_brief")


async def test_its_moves(brief, tmp_path):
    held = await run_conversation(brief, of_questions([BERLIN]), file=tmp_path / "log.jsonl")

    drawn = picture([move for move in held.moves if move.is_control])
    around = expected("""
        start user to evening_brief
        evening_brief -> Evening_Coordinator (node)
        evening_brief <- Evening_Coordinator
        evening_brief >-
        evening_brief -> Evening_Coordinator (node)
        evening_brief <- Evening_Coordinator
        end evening_brief to user
    """)
    assert drawn[:3] + drawn[8:] == around.splitlines()
    # Which of the two comes back first is left open.
    assert set(drawn[3:8]) == {
        "evening_brief -> Weather_Bot (node)",
        "evening_brief -< Weather_Bot, Transit_Bot",
        "evening_brief -> Transit_Bot (node)",
        "evening_brief <- Weather_Bot",
        "evening_brief <- Transit_Bot",
    }


# The sample


def test_both_tools_know_the_same_ten_cities_or_more():
    assert list(EVENINGS) == list(DISRUPTIONS) == sorted(EVENINGS)
    assert len(EVENINGS) >= 10
    assert [one.line for one in DISRUPTIONS["Berlin"]] == ["U2", "S7"]
    assert {path.name for path in FOLDER.iterdir()} == {"weather.yaml", "transit.yaml"}


@pytest.mark.parametrize("city", ["berlin", " BERLIN ", "Zürich", "new york"])
def test_a_city_is_found_in_any_spelling(city):
    assert evening_weather(city)["city"] == evening_transit(city)["city"]


def test_a_city_without_disruptions_is_told_so_and_an_unknown_one_refused():
    assert evening_transit("Rome")["summary"].endswith("(sample data): no disruptions.")
    for tool in (evening_weather, evening_transit):
        assert "known cities are" in tool("Atlantis")["error"]


# Its page


def test_the_pages_code_runs(tmp_path):
    done = PAGE.run_code(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "[] 2\n" in done.stdout
    assert done.stdout.count("critical path") == 2
