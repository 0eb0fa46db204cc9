"""A router without a model call: what its classifier chooses, and where a plan chose otherwise.

The facts about google-adk that it relies on stand at the end.
"""

import sys
import warnings
from typing import Any

import msgspec
import pytest
from google.adk.apps import App

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.comparison.variants import make_variants
from adk_flow.models.scripted import Scripted
from adk_flow.render.flow_text import print_flow
from adk_flow.render.terminal import plain_console
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import wire
from adk_flow.wiring.classifier import EmbeddingClassifier
from tests.doubles.flow import agent, record

DESCRIPTIONS = {
    "Loans": "Answers questions about loans and their interest rates.",
    "Garden": "Answers questions about flowers and gardens.",
}


def routed(model: Any, **lead: Any) -> Any:
    both = [agent(name, model) for name in DESCRIPTIONS]
    for specialist in both:
        specialist.description = DESCRIPTIONS[specialist.name]
    return wire(agent("Lead", model, **lead), both, "classifier_router")


async def answered(folder, *questions):
    model = Scripted(script={name: ["So."] * 3 for name in DESCRIPTIONS})
    flow = await record(routed(model), questions, folder)
    assert not flow.errors
    return [turn.answered_by for turn in flow.turns]


async def test_a_message_goes_to_whom_it_is_likest_without_a_model_call(tmp_path):
    questions = ["What interest does a loan bear?", "When do roses flower?"]

    assert await answered(tmp_path, *questions) == ["Loans", "Garden"]


async def test_a_message_without_a_topic_goes_on_from_those_before_it(tmp_path):
    questions = ["When do roses flower?", "And in the north?", "What does a loan cost?"]

    assert await answered(tmp_path, *questions) == ["Garden", "Garden", "Loans"]


async def test_a_plan_decides_the_route_and_what_the_classifier_would_have_done_is_told(
    tmp_path, capsys
):
    plans = [("When do roses flower?", "Loans"), ("What does a loan cost?", "Loans")]
    turns = [{"say": say, "plan": [{"agent": name, "says": "So."}]} for say, name in plans]
    asked = msgspec.convert({"turns": turns}, Conversation)
    app = App(name="app", root_agent=routed("gemini-2.5-flash"))

    held = await run_conversation(app, asked, file=tmp_path / "log.jsonl")

    trace = read_trace(tmp_path / "log.jsonl")
    (finding,) = [each for each in detect_findings(trace) if each.kind == "misroute"]
    print_flow(trace.log, plain_console())
    assert f"finding: {finding.text}" in " ".join(capsys.readouterr().out.split())
    assert [turn.answered_by for turn in held.turns] == ["Loans", "Loans"]
    assert (finding.turn, finding.agents) == (1, ("Loans",))
    assert finding.text.startswith("classify would have sent this to Garden (")
    assert finding.text.endswith("; the plan sent it to Loans.")


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("google.adk.labs.classifiers", "google-adk 2.13 or newer"),
        ("adk_flow.models.embedding", "adk-flow's extra `offline`"),
    ],
)
def test_what_it_lacks_leaves_it_out_with_the_reason(module, needed, monkeypatch):
    # Each is imported anew, and one of them cannot be.
    for name in [*sys.modules]:
        if name.startswith(("adk_flow.wiring.classifier", "adk_flow.models.offline")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    lead = agent("Lead", "offline", sub_agents=[agent(name, "offline") for name in DESCRIPTIONS])

    variants = make_variants(App(name="app", root_agent=lead), ["classifier_router", "transfer"])

    assert variants.skipped == {"classifier_router": f"classifier_router needs {needed}"}


def test_one_specialist_and_a_lead_with_callbacks_of_its_own_are_refused():
    one = agent("Lead", "offline", sub_agents=[agent("Loans", "offline")])
    both = [agent(name, "offline") for name in DESCRIPTIONS]
    guarded = agent("Lead", "offline", sub_agents=both, before_model_callback=print)

    reasons = [
        make_variants(App(name="app", root_agent=root), ["classifier_router", "transfer"]).skipped
        for root in (one, guarded)
    ]

    assert reasons == [
        {"classifier_router": "classifier_router needs two specialists or more to choose from"},
        {
            "classifier_router": "Lead plays no part in classifier_router, so its "
            "before_model_callback would never run"
        },
    ]


# What it relies on in google-adk 2.13


async def test_a_classifier_node_takes_the_choice_and_keeps_what_it_was_given(tmp_path):
    flow = await record(routed(Scripted(script={"Garden": ["So."]})), ["Roses?"], tmp_path)

    (event,) = [one for one in flow.of("event") if one.state == ("classifier_answer",)]
    answer = msgspec.json.decode(event.values)["classifier_answer"]
    assert (event.route, answer["choice"]) == ("Garden", "Garden")
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_that_it_is_experimental_is_said_to_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert EmbeddingClassifier().model == "wordllama"
        routed("offline")
