"""ADK's own users of models past its hooks, each call once and where it happened.

The oracle is the model, which counts how often it was asked and what it reported.
"""

from types import SimpleNamespace
from typing import Any

import pytest
from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents._managed_agent import ManagedAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models import FallbackModel
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, Workflow
from google.genai import types
from pydantic import BaseModel

from adk_flow.analysis.metrics import measure
from adk_flow.inspect.static import inspect_app
from tests.analysis.test_calls import Busy, Counting, calls, says, usage
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


CLIENT: Any = SimpleNamespace(vertexai=False)


async def interacting(client, *, create_kwargs, stream, extra_headers=None):
    """Answers as Google's interactions API does to ADK."""
    yield says("From the server.", (500, 50), interaction_id="1")


class Elsewhere(BaseAgent):
    """Asks a model by another SDK, twice, and reports what each took."""

    async def _run_async_impl(self, ctx):
        for sent, said in ((7, 3), (9, 4)):
            yield Event(
                author=self.name,
                invocation_id=ctx.invocation_id,
                branch=ctx.branch,
                content=types.ModelContent("Found."),
                usage_metadata=usage(sent, said),
            )


class HandingOn(BaseAgent):
    """Gives its agent's words as its own, and `sums` up what the models took."""

    sums: bool = False

    async def _run_async_impl(self, ctx):
        async for event in self.sub_agents[0].run_async(ctx):
            taken = usage(150, 15) if self.sums else event.usage_metadata
            yield event.model_copy(update={"author": self.name, "usage_metadata": taken})


def beside(agent):
    model = Counting.of(calls("transfer_to_agent", agent_name=agent.name))
    return LlmAgent(name="Root", model=model, sub_agents=[agent])


@pytest.mark.parametrize(
    ("agent", "tokens"),
    [
        (ManagedAgent(name="Managed", agent_id="agents/1", api_client=CLIENT), (500, 50)),
        (Elsewhere(name="Own"), (16, 7)),
    ],
)
async def test_calls_of_an_agent_that_asks_models_elsewhere_stay_unknown(
    agent, tokens, tmp_path, monkeypatch
):
    monkeypatch.setattr("google.adk.agents._managed_agent._create_interactions", interacting)

    flow = await record(beside(agent), ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    assert (turn.llm_calls, turn.seen_llm_calls, turn.remote_agents) == (None, 1, [agent.name])
    assert (turn.input_tokens, turn.output_tokens) == (100 + tokens[0], 10 + tokens[1])


@pytest.mark.parametrize(("sums", "known"), [(False, (1, 110)), (True, (None, None))])
async def test_tokens_that_an_agent_hands_on_count_once_and_its_sums_are_unknown(
    sums, known, tmp_path
):
    below = LlmAgent(name="Below", model=Counting.of(says("Found.")))

    flow = await record(HandingOn(name="On", sums=sums, sub_agents=[below]), ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    assert (turn.llm_calls, turn.tokens) == known


def test_inspect_warns_of_an_agent_that_asks_models_past_adk():
    app = App(name="app", root_agent=ManagedAgent(name="Managed", agent_id="agents/1"))

    assert [remark.kind for remark in inspect_app(app).remarks] == ["unseen_calls"]
