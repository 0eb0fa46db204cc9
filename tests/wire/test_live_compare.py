"""A live comparison: google-genai's own client against a server on 127.0.0.1."""

import pytest

from adk_flow.comparison.recommend import write_caveats
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import of_questions
from tests.doubles.wire.gemini_server import APP, MODEL
from tests.doubles.wire.model_server import Call, Status


def app_on(model, tmp_path):
    # Python keeps a module by its name, so that each model's app needs one of its own.
    folder = tmp_path / f"live_{model.replace('-', '_').replace('.', '_')}"
    folder.mkdir()
    (folder / "agent.py").write_text(APP.replace(MODEL, model))
    return folder


@pytest.fixture
def app(tmp_path):
    return app_on(MODEL, tmp_path)


def compared(app, folder, **limits):
    conversations = {"cost": of_questions(["What does it cost?"])}
    constructs = ["agent_tool"]  # besides as_is, which transfers
    return compare(app, conversations, constructs, folder=folder, jobs=1, **limits)


def test_a_busy_model_is_asked_again_and_every_answered_call_is_priced(gemini, app, tmp_path):
    gemini.script = {
        "Root": [
            *(Status(429, "slow down"), Call("transfer_to_agent", {"agent_name": "Loans"})),
            *(Call("Loans", {"request": "What does it cost?"}), "It costs 5%."),
        ],
        "Loans": [Status(503, "busy"), "5%.", "5%."],
    }

    comparison = compared(app, tmp_path / "out", dollars=1.0)

    gemini.finish()
    calls = {one.construct: one.llm_calls for one in comparison.constructs}
    assert calls == {"as_is": 2, "agent_tool": 3}
    # 21 tokens sent, 5 of them cached, 11 generated: by LiteLLM's table for gemini-2.5-flash.
    a_call = 16 * 3e-7 + 5 * 3e-8 + 11 * 2.5e-6
    priced = {one.construct: one.dollars for one in comparison.constructs}
    assert priced == {
        "as_is": pytest.approx(2 * a_call),
        "agent_tool": pytest.approx(3 * a_call),
    }
    assert comparison.kind == "live"
    assert write_caveats(comparison)[0].startswith("Live: ")
    assert not comparison.setting.pace


def test_a_spent_budget_keeps_what_is_complete_and_more_goes_on(gemini, app, tmp_path):
    gemini.script = {
        "Root": [
            Call("transfer_to_agent", {"agent_name": "Loans"}),
            Call("Loans", {"request": "?"}),
            *(Call("Loans", {"request": "?"}), "It costs 5%."),
        ],
        "Loans": ["5%.", "5%."],
    }

    first = compared(app, tmp_path / "out", calls=3)

    assert [run.construct for run in first.runs] == ["as_is"]
    assert first.setting.stopped == "the budget of 3 model calls is spent"
    again = compared(app, tmp_path / "out", calls=3)
    gemini.finish()
    assert [run.construct for run in again.runs] == ["as_is", "agent_tool"]
    assert not again.setting.stopped
    lines = [file.read_text() for file in (tmp_path / "out" / "trials").iterdir()]
    assert [line.count("\n") for line in lines] == [1, 1]


def test_dollars_need_a_price(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "none")
    app = app_on("gemini-0-unheard-of", tmp_path)

    with pytest.raises(AdkFlowError, match="has no price for gemini-0-unheard-of"):
        compared(app, tmp_path / "out", dollars=1.0)
