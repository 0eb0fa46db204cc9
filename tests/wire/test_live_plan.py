"""A conversation held with LiteLLM's own client, compared under all constructs without a model."""

import asyncio
from functools import wraps

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.replay import replay_differences
from adk_flow.comparison.runner import compare
from adk_flow.models.planned.from_log import plan_of
from adk_flow.scenario.conversation import read_conversation, write_conversation
from adk_flow.wiring import CONSTRUCTS
from tests.doubles.wire import advisers
from tests.doubles.wire.advisers import REPAYMENT, YEARS_TO_GOAL, ask, mortgage, savings, transfer
from tests.doubles.wire.providers import LiteLlmClient

SCRIPT = {
    "Root": [
        ask("Mortgage", "240,000 over 20 years?"),
        "A thousand pounds a month.",
        transfer("Savings"),
    ],
    "Mortgage": [REPAYMENT, "It is £1,000."],
    "Savings": [YEARS_TO_GOAL, "Ten years."],
}


@pytest.fixture
def provider():
    return LiteLlmClient()


def desk(model):
    return LlmAgent(
        name="Root", model=model, tools=[AgentTool(mortgage(model))], sub_agents=[savings(model)]
    )


def none_to_run(name):
    """Makes a tool of the same declaration that must not be run."""

    @wraps(getattr(advisers, name))
    def burn(**arguments):
        raise AssertionError(f"{name} was run with {arguments}")

    return burn


async def test_a_live_log_is_played_and_compared_without_its_model(
    server, talk, model, tmp_path, monkeypatch
):
    flows = []
    for times, stream in enumerate((False, True), start=1):
        server.script = {name: answers * times for name, answers in SCRIPT.items()}
        asked = "My mortgage?", "And to save £12,000?"
        flows.append(await talk(desk(model()), *asked, stream=stream))
    flow, streamed = flows
    assert plan_of(streamed.trace).conversation == plan_of(flow.trace).conversation
    file = tmp_path / "plan.yaml"
    file.write_text(write_conversation(plan_of(flow.trace).conversation), encoding="utf-8")
    monkeypatch.delenv("OPENAI_API_KEY")
    for name in ("monthly_repayment", "years_to_goal"):
        monkeypatch.setattr(advisers, name, none_to_run(name))
    served = len(server.requests)
    asked, app = read_conversation(file), App(name="app", root_agent=desk("openai/gpt-4-turbo"))

    for told in (flow, streamed):
        assert await replay_differences(app, told.trace, asked) == []
    compared = await asyncio.to_thread(compare, app, {"talk": asked}, folder=tmp_path / "out")

    assert len(server.requests) == served
    assert (compared.kind, compared.models) == ("controlled", ["planned"])
    assert [figures.construct for figures in compared.constructs] == [
        "as_is",
        *(name for name in CONSTRUCTS if name != "advisor"),
    ]
    calls = {figures.construct: figures.llm_calls for figures in compared.constructs}
    # Two questions to a specialist each, which uses one tool: as the README's, twice told.
    assert calls["agent_tool"] == calls["single_turn"] == calls["task"] == 8
    assert calls["single_agent"] == 4
    for run in compared.runs:
        returned = [r.text for r in read_trace(run.log).log.records if r.hook == "after_tool"]
        assert '{"monthly":1000.0}' in returned
        assert '{"years":10.0}' in returned
