"""ADK's own users of models past its hooks, each call once and where it happened.

The oracle is the model, which counts how often it was asked and what it reported.
"""

from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.models import FallbackModel
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, Workflow
from pydantic import BaseModel

from adk_flow.analysis.metrics import measure
from tests.analysis.test_calls import Busy, Counting, calls, says
from tests.doubles.flow import record

pytest.importorskip("google.adk.labs.classifiers", reason="came with ADK 2.13")

from google.adk.labs.classifiers import Choice, ClassifierNode, LlmClassifier
from google.adk.tools.model_consult import ModelConsultTool


def consulting():
    adviser = Counting.of(says("advice", (50, 5)), model="adviser")
    model = Counting.of(calls("consult", question="q?"), says("a"))
    tool = ModelConsultTool(model=adviser, name="consult", thinking_level=None)
    return LlmAgent(name="Lead", model=model, tools=[tool]), [model, adviser]


def falling_back():
    first = Counting.of(Busy("later"), Busy("later"), model="dear")
    steps = calls("look", what="x"), says("a", model_version="gpt-4o-mini")
    second = Counting.of(*steps, model="cheap")

    def look(what: str) -> dict:
        """Looks."""
        return {"there": what}

    model = FallbackModel(models=[first, second])
    return LlmAgent(name="Lead", model=model, tools=[look]), [first, second]


def classifying():
    judge = Counting.of(says('{"route": {"yes": 0.9, "no": 0.1}}', (70, 7)), model="judge")
    model = Counting.of(says("a"))
    node = ClassifierNode(
        name="Sort",
        classifier=LlmClassifier(model=judge),
        question=Choice(criteria={"yes": None, "no": None}),
    )
    answering = LlmAgent(name="Yes", model=model)
    other = LlmAgent(name="No", model=Counting.of())
    edges = [(START, node), (node, {"yes": answering, "no": other})]
    return Workflow(name="Lead", edges=edges), [model, judge]


def alone(agent):
    return agent, []


class Ask(BaseModel):
    """What a graph is asked as a tool."""

    request: str


def called(agent):
    if isinstance(agent, Workflow):
        tool: Any = agent.model_copy(update={"input_schema": Ask})
    else:
        tool = AgentTool(agent)
    asking = Counting.of(calls("Lead", request="Go."), says("done"))
    return LlmAgent(name="Root", model=asking, tools=[tool]), [asking]


def in_a_graph(agent):
    last = Counting.of(says("end"))
    end = LlmAgent(name="End", model=last)
    return Workflow(name="Root", edges=[(START, agent, end)]), [last]


@pytest.mark.parametrize("place", [alone, called, in_a_graph])
@pytest.mark.parametrize("made", [consulting, falling_back, classifying])
async def test_each_call_counts_once_wherever_it_happens(tmp_path, made, place):
    inner, models = made()
    root, outer = place(inner)

    flow = await record(root, ["Go."], tmp_path)

    assert flow.errors == []
    (turn,) = measure(flow.trace)
    models += outer
    assert turn.llm_calls == turn.seen_llm_calls == sum(model.calls for model in models)
    sent, said = (sum(side) for side in zip(*(model.tokens for model in models), strict=True))
    assert (turn.input_tokens, turn.output_tokens) == (sent, said)
    assert sum(agent.llm_calls or 0 for agent in turn.agents.values()) == turn.llm_calls
    asked = {(call.model, call.agent) for call in flow.trace.turns[0].asked_models}
    where = "Lead" if made is not classifying else "Root" if place is called else "Sort"
    assert {name for model, name in asked if model in ("adviser", "dear", "judge")} == {where}
    assert all(call.within for call in flow.trace.turns[0].asked_models if call.model == "adviser")
