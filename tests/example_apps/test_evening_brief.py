"""The evening brief: run by ADK's command and by adk-flow, offline, and as its page tells it."""

import re

import pytest

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.analysis.visibility import trace_visibility
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.log.reader import read_log
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions, read_conversation
from adk_flow.wiring.coordination import coordinator_runs
from adk_flow.wiring.coordinator import coordinate
from tests.doubles.flow import expected
from tests.doubles.pages import BIN, ROOT, Page, ran
from tools.cities import FOLDER
from tools.transit import DISRUPTIONS, evening_transit
from tools.weather import EVENINGS, evening_weather

PAGE = Page("docs/patterns/evening_brief.md")
BERLIN = "Give me my evening brief for Berlin."


@pytest.fixture
def brief(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    return load_app(ROOT / "examples" / "evening_brief")


async def test_the_conversation_holds_and_nothing_leaks(brief, tmp_path):
    talk = read_conversation(ROOT / "conversations" / "examples" / "evening_brief.yaml")

    held = await run_conversation(brief, talk, file=tmp_path / "log.jsonl")

    assert held.failed_checks == [[], []]
    assert held.faults == 0
    assert [(turn.llm_calls, turn.tool_calls) for turn in held.turns] == [(6, 2), (6, 2)]
    seen = trace_visibility(read_trace(tmp_path / "log.jsonl"), talk.planted)
    assert (seen.leaks, seen.unseen) == ([], [])
    shown = {(sight.agent, sight.source) for sight in seen.sights if sight.kind == "canary"}
    assert {("Evening_Coordinator", "temperature"), ("Evening_Coordinator", "disruption")} < shown


async def test_its_moves(brief, tmp_path):
    held = await run_conversation(brief, of_questions([BERLIN]), file=tmp_path / "log.jsonl")

    drawn = draw_snapshot([move for move in held.moves if move.is_control])
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


async def test_code_and_log_tell_the_same_run(brief, tmp_path):
    brief.plugins[0].directory = tmp_path

    run = await coordinate(brief, BERLIN)

    assert coordinator_runs(read_log(brief.plugins[0].paths[0]).records) == [run]
    assert "Pankow" in run.answers["Transit_Bot"]
    assert "13C" in run.answers["Weather_Bot"]
    assert all(part in run.answer for part in ("13C", "U2", "Pankow", "S7"))
    assert (run.parent_calls, run.missing) == (2, [])


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What's the weather in Paris tonight?", ["16C", "RER B"]),
        ("I'm going out in Munich tonight. What should I know?", ["thunderstorms", "S8"]),
        ("Give me my evening brief.", ["What is the city's English name?"]),
        ("Evening brief for Oslo", ["Oslo", "known cities are"]),
    ],
)
async def test_other_evenings_offline(brief, tmp_path, question, told):
    held = await run_conversation(brief, of_questions([question]), file=tmp_path / "log.jsonl")

    assert [words for words in told if words not in held.turns[0].answer] == []


def test_adk_run_gives_a_brief_of_berlin(tmp_path):
    command = [BIN / "adk", "run", "--in_memory", "examples/evening_brief", BERLIN]

    said = ran(command, tmp_path)

    assert said.returncode == 0, said.stderr
    answer = said.stdout.rpartition("[Evening_Coordinator]: ")[2]
    assert all(part in answer for part in ("13C", "light rain", "U2", "Pankow", "S7"))


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


async def test_the_page_draws_what_happens(brief, tmp_path):
    held = await run_conversation(brief, of_questions([BERLIN]), file=tmp_path / "log.jsonl")

    assert PAGE.of("mermaid") == [sequence_diagram(held.moves)]


def test_the_pages_code_runs(tmp_path):
    done = PAGE.run_code(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "[] 2\n" in done.stdout
    assert done.stdout.count("critical path") == 2


def test_the_pages_commands_run(tmp_path):
    done = PAGE.run_commands(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "6 LLM calls, 0 transfers, 0 agent calls, 2 tool calls" in done.stdout
    tokens = re.search(r"[\d,]+ \+ \d+ tokens", PAGE.text)
    assert tokens
    assert tokens[0] in " ".join(done.stdout.split())
