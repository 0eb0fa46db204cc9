"""All findings of constructs that work, of damaged logs, and leaks as findings."""

import asyncio
from typing import Any

import pytest
from google.adk.tools.agent_tool import AgentTool
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.analysis.findings import KINDS, detect_findings
from adk_flow.analysis.run_metrics import measure_run
from adk_flow.analysis.trace_reader import read_trace, trace_log
from adk_flow.check.flow import Flow
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import AskedTurn, Canary, Conversation, read_conversation
from adk_flow.wiring import CONSTRUCTS, wire
from tests.doubles.desk import CONSTRUCT_FOLDERS
from tests.doubles.findings import ALONE, BOTH, desk, found
from tests.doubles.flow import agent, record
from tests.doubles.records import RECORDS, log_of
from tests.doubles.teams import SCRIPTS, rate

SHOWN = {
    "single_turn": ["repeated_answer"],
    "workflow_tool": ["repeated_answer"],
    "router": ["raw_json"],
    "router_many": ["raw_json", "repeated_answer"],
    "coordinator": ["raw_json", "repeated_answer"],
    "parallel": ["repeated_answer"],
    "best_of_n": ["raw_json", "shown_candidates"],
}
"""What the user is shown without need under a construct."""


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_a_construct_that_works_is_told_only_what_adk_does_to_it(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])
    specialists = [agent("Loans", model, tools=[rate]), agent("Funds", model)]
    root = wire(agent("Lead", model), specialists, construct, called=["Loans"])

    _, told = await found(root, ["Cost?"], tmp_path)

    hidden = ("agent_tool", "agent_tool_skip_summarization", "mixed")
    expected = {name: ["hidden_conversation"] for name in hidden} | SHOWN
    assert sorted(one.kind for one in told) == expected.get(construct, [])


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_the_desk_is_told_the_same_of_a_question_and_its_follow_up(
    construct, tmp_path, monkeypatch
):
    monkeypatch.setenv("MODEL_NAME", "offline")
    app = load_app(CONSTRUCT_FOLDERS / construct)

    talk = read_conversation(CONSTRUCT_FOLDERS.parent / "conversations" / "follow_up.yaml")
    await run_conversation(app, talk, file=tmp_path / "log.jsonl")

    told = [(one.turn, one.kind) for one in detect_findings(read_trace(tmp_path / "log.jsonl"))]
    hidden = [(1, "hidden_conversation"), (2, "hidden_conversation")]
    expected = {"agent_tool": hidden, "agent_tool_skip_summarization": hidden}
    expected |= {name: [(turn, kind) for turn in (1, 2) for kind in SHOWN[name]] for name in SHOWN}
    assert sorted(told) == expected.get(construct, [])


async def test_a_leak_is_told_alike_of_a_flow_and_of_a_measured_run(tmp_path):
    script = {"Root": [transfer("Loans")], "Loans": ["The rate is 5%."]}
    held = await record(desk(script), ["I earn 4100. Cost?"], tmp_path)
    asked = Conversation(
        [AskedTurn("I earn 4100. Cost?")], canaries={"pay": Canary("4100", ["Root"])}
    )

    run = measure_run(held.trace, construct="transfer", conversation="pay", asked=asked)
    flow = Flow(held.trace, asked.planted)

    (measured,), (told,) = ([f for f in one.findings if f.kind == "leak"] for one in (run, flow))
    assert measured == told
    assert told.text == "Loans was shown the canary “pay”, which is not for it."
    assert (told.turn, told.agents) == (1, ("Loans",))


@given(st.lists(RECORDS, max_size=40))
def test_any_records_in_any_order_give_findings_that_point_at_them(records):
    for one in detect_findings(trace_log(log_of(records))):
        assert one.records
        assert all(0 <= index < len(records) for index in one.records)
        assert one.kind in KINDS


@given(st.data())
def test_a_log_cut_or_shuffled_anywhere_gives_findings(real_log, data):
    kept = data.draw(st.lists(st.sampled_from(real_log.records), max_size=80))

    detect_findings(trace_log(real_log._replace(records=kept)))


@pytest.fixture(scope="module")
def real_log(tmp_path_factory):
    """Two agent tools at once, a transfer and a failure, with everything that is found there."""
    script: dict[str, Any] = {"Root": [BOTH, transfer("Loans")]}
    script |= {"Loans": ["a", call("rates"), "b"], "Funds": ["b"]}
    model = Scripted(script=script)
    tools = [AgentTool(agent(name, model, output_key="k")) for name in ("Loans", "Funds")]
    root = agent("Root", model, tools=tools, sub_agents=[agent("Loans", model, **ALONE)])
    log = asyncio.run(record(root, ["?"], tmp_path_factory.mktemp("log"))).log
    assert len({one.kind for one in detect_findings(trace_log(log))}) >= 5
    return log
