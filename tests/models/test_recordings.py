"""Recordings that ADK makes, of `adk test` and `adk conformance record`, played as decisions."""

import json

import pytest
import yaml
from google.adk.cli.plugins.recordings_schema import LlmRecording, Recording, Recordings
from google.adk.models.llm_response import LlmResponse
from google.adk.tools._request_input_tool import request_input
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, Workflow, node
from google.genai import types
from pydantic import BaseModel

from adk_flow.errors import AdkFlowError
from adk_flow.models.decisions import decided, read_decisions
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from tests.doubles.flow import agent, record

SCRIPT = {
    "Root": [call("pairs", size=42), "There are 12.", transfer("Returns")],
    "Returns": [[call("pairs", size=41), "Let me see."], "Bring them."],
}
QUESTIONS = ["Size 42?", "I return these."]


def pairs(size: int) -> dict:
    """Counts pairs of shoes."""
    return {"pairs": 12}


def shop(model):
    returns = agent("Returns", model, tools=[pairs])
    return agent("Root", model, tools=[pairs], sub_agents=[returns])


def moves_of(run):
    return [(move.turn, move.kind, move.source, move.target, move.text) for move in run.moves]


async def play(file, root, folder):
    app, script = decided(load_app(root), file)
    run = await run_conversation(app, QUESTIONS, file=folder / "played.jsonl")
    script.finish()
    return run


def as_adk_test(events):
    """Writes events as `adk test --rebuild` does (2.13, cli/agent_test_runner.py)."""
    dumped = [event.model_dump(mode="json", by_alias=True, exclude_none=True) for event in events]
    asked = {"author": "user", "content": {"role": "user", "parts": [{"text": QUESTIONS[0]}]}}
    return json.dumps({"events": [asked, *dumped]})


async def test_a_recording_of_adk_test_plays_as_it_went(tmp_path):
    recorded = await record(shop(Scripted(script=SCRIPT)), QUESTIONS, tmp_path / "logs")
    file = tmp_path / "test_shop.json"
    file.write_text(as_adk_test(recorded.events))

    played = await play(file, shop("gemini-2.5-flash"), tmp_path)

    assert moves_of(played) == moves_of(recorded)


class Sheet(BaseModel):
    """An answer in fields."""

    total: int


def shouted(node_input: str) -> str:
    """Shouts."""
    return node_input.upper()


def two(node_input: str) -> list:
    """Makes two of it."""
    return [node_input, node_input]


SHAPES = {
    "says nothing": (
        lambda model: agent("Root", model, tools=[pairs]),
        {"Root": [call("pairs", size=42), []]},
    ),
    "fills a schema": (
        lambda model: agent("Root", model, tools=[pairs], output_schema=Sheet),
        {"Root": [call("pairs", size=42), call("set_model_response", total=12)]},
    ),
    "asks for input": (
        lambda model: agent("Root", model, tools=[request_input]),
        {"Root": [call("adk_request_input", message="Which size?")]},
    ),
    "a graph": (
        lambda model: Workflow(name="Root", edges=[(START, agent("A", model), shouted)]),
        {"A": ["a"]},
    ),
    "a graph's workers": (
        lambda model: Workflow(
            name="Root", edges=[(START, two, node(agent("A", model), parallel_worker=True))]
        ),
        {"A": ["a", "a"]},
    ),
    "one turn": (
        lambda model: agent("Root", model, sub_agents=[agent("A", model, mode="single_turn")]),
        {"Root": [[call("A", request="q"), call("A", request="r")], "c"], "A": ["a", "b"]},
    ),
    "a task": (
        lambda model: agent("Root", model, sub_agents=[agent("A", model, mode="task")]),
        {"Root": [call("A", request="q"), "b"], "A": [call("finish_task", result="a")]},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_adk_records_beside_models_answers_is_none_of_the_models(tmp_path, shape):
    wire, script = SHAPES[shape]
    recorded = await record(wire(Scripted(script=script)), QUESTIONS[:1], tmp_path / "logs")
    file = tmp_path / "test_shape.json"
    file.write_text(as_adk_test(recorded.events))

    app, decisions = decided(load_app(wire("gemini-2.5-flash")), file)
    played = await run_conversation(app, QUESTIONS[:1], file=tmp_path / "played.jsonl")

    decisions.finish()
    assert sorted(moves_of(played)) == sorted(moves_of(recorded))


async def test_a_conformance_recording_plays_those_too_that_a_tool_calls(tmp_path):
    def said(name, *parts, partial=False):
        content = types.ModelContent([*parts])
        responses = [LlmResponse(content=content, partial=partial)]
        llm = LlmRecording(llm_responses=responses)
        return Recording(user_message_index=0, agent_name=name, llm_recording=llm)

    recordings = Recordings(
        recordings=[
            said("Root", types.Part(function_call=call("Loans", request="Dear?"))),
            said("Loans", "5%", partial=True),
            said("Loans", "5%"),
            said("Root", types.Part(text="Hm.", thought=True), types.Part(text="It is")),
        ]
    )
    # A streamed call may give several whole responses.
    whole = LlmResponse(content=types.ModelContent(" 5%."))
    recordings.recordings[-1].llm_recording.llm_responses.append(whole)
    file = tmp_path / "generated-recordings.yaml"
    file.write_text(yaml.safe_dump(recordings.model_dump(mode="json", exclude_none=True)))
    root = agent("Root", "offline", tools=[AgentTool(agent("Loans", "offline"))])

    app, script = decided(load_app(root), file)
    run = await run_conversation(app, ["Loans?"], file=tmp_path / "played.jsonl")

    script.finish()
    assert [turn.answer for turn in run.turns] == ["It is 5%."]
    assert run.turns[0].llm_calls == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"events": []}', "holds no answer of a model"),
        (
            "recordings:\n- agent_name: R\n  llm_recording: {llm_responses: [{content: {x: 1}}]}",
            "line 2: recordings[0]: Extra inputs are not permitted",
        ),
    ],
)
def test_a_recording_that_cannot_be_played_is_refused(text, reason, tmp_path):
    file = tmp_path / "recording.yaml"
    file.write_text(text)

    with pytest.raises(AdkFlowError) as refusal:
        read_decisions(file)

    assert str(refusal.value) == f"{file}: {reason}"
