"""The evening brief: two leads of two calls each, and bots that know nothing but their sub-goal."""

from adk_flow.log.reader import read_log
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from examples.evening_brief.tools import CITIES, evening_buses, evening_trains, evening_weather
from tests.doubles.desk import ROOT

FOLDER = ROOT / "examples" / "evening_brief"


def test_a_city_is_found_in_any_case_or_the_cities_are_named():
    assert evening_weather(" berlin ")["summary"].startswith("Weather in Berlin this evening")
    assert evening_trains("Munich")["summary"].endswith("after storm damage; take the S1.")
    assert evening_buses("Vienna")["summary"].endswith("no disruptions.")
    assert evening_buses("Atlantis") == {
        "error": f"Nothing is known of 'Atlantis'; known cities are {', '.join(CITIES)}."
    }


async def test_each_lead_is_asked_twice_and_no_bot_sees_anothers_work(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    conversation = read_conversation(FOLDER / "conversation.yaml")

    await run_conversation(load_app(FOLDER), conversation, file=tmp_path / "log.jsonl")

    log = read_log(tmp_path / "log.jsonl")
    asked = [record for record in log.records if record.request]
    names = [record.agent for record in asked]
    assert {name: names.count(name) for name in names} == dict.fromkeys(
        ["Evening_Coordinator", "Transit_Coordinator", "Weather_Bot", "Train_Bot", "Bus_Bot"], 4
    )
    shown = dict.fromkeys(names, "")
    for record in asked:
        shown[record.agent] += " ".join(log.texts[p.text] for p in record.request.parts if p.text)
    own = {"Weather_Bot": "13C", "Train_Bot": "Pankow", "Bus_Bot": "Brandenburg"}
    for name in own:
        assert [found for found in own.values() if found in shown[name]] == [own[name]]
    assert "13C" not in shown["Transit_Coordinator"]
