"""The examples on real clients: a language model does their work, and no plan plays."""

import shutil
from typing import Any

import pytest

from adk_flow.log.reader import read_log
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions, read_conversation
from tests.doubles.command import own_modules
from tests.doubles.desk import ROOT
from tests.doubles.wire.model_server import Call

LONG = "Word. " * 91
SCRIPTS: dict[str, dict[str, list[Any]]] = {
    "calculator": {
        "Orchestrator": [
            Call("Calculator_Assistant", {"request": "2 pens at £3 each"}),
            Call("Calculator_Assistant", {"request": "√-1"}),
            "The pens are £6; the root has no result.",
        ],
        "Calculator_Assistant": [
            *(Call("multiply", {"a": 2, "b": 3.0}), "£6"),
            *(Call("square_root", {"number": -1}), "No result."),
        ],
    },
    "evening_brief": {
        "Evening_Coordinator": [
            '{"Weather_Bot": "The weather in Paris?"}',
            '{"Weather_Bot": "The weather in Paris?", "transit": "Trains and buses in Paris?"}',
            "Mild; mind the RER B.",
        ],
        "Transit_Coordinator": [
            '{"Train_Bot": "Trains in Paris?", "Bus_Bot": "Buses in Paris?"}',
            "Mind the RER B.",
        ],
        "Weather_Bot": [Call("evening_weather", {"city": "Paris"}), "Mild."],
        "Train_Bot": [Call("evening_trains", {"city": "Paris"}), "The RER B is on strike."],
        "Bus_Bot": [Call("evening_buses", {"city": "Paris"}), "Line 69 ends early."],
    },
    "translation": {
        "Literal_Translator": ['{"translation": "Eins"}'],
        "Plain_Translator": ['{"translation": "Zwei"}'],
        "Free_Translator": ['{"translation": "Drei"}'],
        "Selector": ['{"best": "Z", "reason": "?"}', '{"best": "C", "reason": "It is best."}'],
    },
    "content": {
        "Saving_Researcher": [Call("look_up_saving", {"title": "The ISA allowance"}), "£20,000."],
        "Pension_Researcher": ["Nothing fits."],
        "Writer": [LONG, "You can pay £20,000 into ISAs."],
        "Fact_Reviewer": ['{"approved": true, "remarks": ""}'] * 2,
        "Style_Reviewer": [
            '{"approved": false, "remarks": "Too long."}',
            '{"approved": true, "remarks": ""}',
        ],
        "Optimiser": ['{"title": "ISAs", "summary": "How much."}'],
    },
    "plain_callbacks": {
        "Root_Agent": [Call("Mortgage_Agent", {"request": "£1,200 at 0%, a year?"}), "£100."],
        "Mortgage_Agent": [
            Call("monthly_repayment", {"loan": 1200, "annual_percent": 0, "years": 1}),
            "£100.00 a month",
        ],
    },
}
INSTRUCTIONS = {
    "Evening_Coordinator": "You are the editor of an evening brief",
    "Transit_Coordinator": "You sum up how a city's trains and buses run",
    "Weather_Bot": "You are Weather_Bot",
    "Train_Bot": "You are Train_Bot",
    "Bus_Bot": "You are Bus_Bot",
    "Literal_Translator": "You are a conveyancer's translator",
    "Plain_Translator": "You are a newspaper's translator",
    "Free_Translator": "You are a novelist",
    "Selector": "You are shown an English text",
    "Saving_Researcher": "You research saving",
    "Pension_Researcher": "You research pensions",
    "Writer": "You write short pieces",
    "Fact_Reviewer": "You check the facts",
    "Style_Reviewer": "You check the style",
    "Optimiser": "You give a draft",
}
ANSWERS = {
    "calculator": "The pens are £6; the root has no result.",
    "evening_brief": "Mild; mind the RER B.",
    # Candidate C is the Plain_Translator's, as in the plan: the order hangs on the text.
    "translation": "Zwei",
    "content": "# ISAs\n\nHow much.\n\nYou can pay £20,000 into ISAs.\n\n2 drafts. Approved.",
    "plain_callbacks": "£100.",
}
RESULTS = {
    "calculator": ["2 × 3 = 6", "√-1 has no result"],
    "evening_brief": ["16C, mostly clear", "RER B: one train in two", "Line 69: ends at"],
    "translation": [],
    "content": ["You can pay up to £20,000 into ISAs"],
    "plain_callbacks": ["£100.00 a month"],
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_model_does_the_work(name, server, model, tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", model().model)
    folder = shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    server.script, server.instructions = SCRIPTS[name], INSTRUCTIONS
    with own_modules():
        app = load_app(folder)
    said = read_conversation(folder / "conversation.yaml").turns[0].say

    run = await run_conversation(app, of_questions([said]), file=tmp_path / "log.jsonl")

    assert [(turn.answer, turn.error) for turn in run.turns] == [(ANSWERS[name], "")]
    server.finish()
    records = read_log(tmp_path / "log.jsonl").records
    results = [r.text for r in records if r.hook == "after_tool" and r.kind == "function"]
    assert len(results) == len(RESULTS[name])
    assert [part for part in RESULTS[name] if not any(part in text for text in results)] == []
