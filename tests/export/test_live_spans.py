"""Moves on ADK's own OpenTelemetry spans, in real runs with an in-memory exporter."""

import subprocess
import sys
from itertools import product

import pytest
from google.adk.telemetry import tracing
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adk_flow.export import live
from adk_flow.export.attributes import CAPTURE
from adk_flow.export.live import MovesOnSpans, SpanPlugin
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, expected, record
from tests.export.spans import draw_tree


@pytest.fixture
def spans(monkeypatch):
    """Gives ADK a tracer whose spans a test can read."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.tracer, "_real_tracer", provider.get_tracer("test"))
    return exporter.get_finished_spans


def tree(spans):
    return draw_tree(
        (
            *(span.start_time, span.context.span_id, span.parent and span.parent.span_id),
            *(span.name, span.events, [link.context.span_id for link in span.links]),
        )
        for span in spans
        if "(merged)" not in span.name
    )


async def hand_over(folder, **options):
    """Asks twice: an agent hands over, and the other answers the next turn too."""
    model = Scripted(script={"Root": [transfer("Pension")], "Pension": ["Save early.", "Yes."]})
    root = agent("Root", model, sub_agents=[agent("Pension", model)])
    return await record(root, ["Pensions?", "Sure?"], folder, **options)


def calling(tools):
    calls = [[call(name, request=f"{name}?") for name in tools], "Both."]
    model = Scripted(script={"Root": calls, **{name: [f"{name}!"] for name in tools}})
    return agent("Root", model, tools=[AgentTool(agent(name, model)) for name in tools])


async def test_a_transfer_links_its_target_to_its_source(spans, tmp_path):
    await hand_over(tmp_path, listener=MovesOnSpans())

    assert tree(spans()) == expected("""
        invoke_workflow Root: start, end
          invoke_agent Root: say
            generate_content scripted
            execute_tool transfer_to_agent
          invoke_agent Pension: ~ invoke_agent Root, transfer, reply
            generate_content scripted
        invoke_workflow Pension: start, end
          invoke_agent Pension: say, reply
            generate_content scripted
    """)


async def test_an_agent_call_is_told_by_its_caller(spans, tmp_path):
    await record(calling(["Loans"]), ["Cost?"], tmp_path, listener=MovesOnSpans())

    assert tree(spans()) == expected("""
        invoke_workflow Root: start, end
          invoke_agent Root: say, call, ask, answer, return, reply
            generate_content scripted
            execute_tool Loans
              invoke_workflow Loans
                invoke_agent Loans
                  generate_content scripted
            generate_content scripted
    """)


async def test_parallel_calls_fork_and_join_on_their_callers_span(spans, tmp_path):
    await record(calling(["Loans", "Savings"]), ["Cost?"], tmp_path, listener=MovesOnSpans())

    root = next(span for span in spans() if span.name == "invoke_agent Root")
    drawn = [
        (event.name.removeprefix("adk_flow."), event.attributes["adk_flow.target"])
        for event in root.events
    ]
    assert drawn[:2] == [("say", "Root"), ("fork", "Loans, Savings")]
    assert {*drawn[2:6]} == {*product(("call", "ask"), ("Loans", "Savings"))}
    assert [kind for kind, _ in drawn[-2:]] == ["join", "reply"]


async def test_a_workflow_that_has_no_frame_is_told_on_the_turn(spans, tmp_path):
    model = Scripted(script={"A": ["a"], "B": ["b"]})
    graph = Workflow(name="Graph", edges=[("START", agent("A", model), agent("B", model))])
    await record(graph, ["Go"], tmp_path, listener=MovesOnSpans())

    assert tree(spans()) == expected("""
        invoke_workflow Graph: start, call, answer, return, call, answer, return, end
          invoke_agent A: say, reply
            generate_content scripted
          invoke_agent B: reply
            generate_content scripted
    """)


async def test_every_move_is_told_at_its_own_time(spans, tmp_path):
    held = await hand_over(tmp_path, listener=MovesOnSpans())

    told = sorted(
        (event.timestamp, event.name, event.attributes["adk_flow.turn"])
        for span in spans()
        for event in span.events
    )
    moves = [(move.time * 1000, f"adk_flow.{move.kind}", move.turn) for move in held.moves]
    assert told == sorted(moves)


@pytest.mark.parametrize(("captured", "words"), [("", []), ("span_only", ["Pensions?"])])
async def test_words_leave_only_where_opentelemetry_is_told_to(
    spans, tmp_path, monkeypatch, captured, words
):
    monkeypatch.setenv(CAPTURE, captured)
    await hand_over(tmp_path, listener=MovesOnSpans())

    said = [event.attributes.get("adk_flow.text") for span in spans() for event in span.events]
    assert [text for text in said if text == "Pensions?"] == words


async def test_without_a_tracer_provider_nothing_happens(tmp_path):
    held = await hand_over(tmp_path, listener=MovesOnSpans())

    assert held.errors == []


async def test_a_fault_of_its_own_is_counted_and_the_app_goes_on(spans, tmp_path, monkeypatch):
    def fail(move, words):
        raise RuntimeError("broken")

    monkeypatch.setattr(live, "of_move", fail)
    recorder = SpanPlugin("spans", directory=tmp_path / "logs")
    held = await hand_over(tmp_path / "own", plugins=[recorder])

    assert held.errors == []
    assert [event.author for event in held.events][-1] == "Pension"
    assert recorder.listener_faults > 0
    assert recorder.paths[0].is_file()


async def test_more_sessions_than_it_remembers_are_told_all_the_same(spans, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "SESSIONS", 1)
    listener = MovesOnSpans()
    for folder in ("one", "two"):
        await hand_over(tmp_path / folder, listener=listener)

    linked = [span.name for span in spans() if span.links]
    assert linked == ["invoke_agent Pension", "invoke_agent Pension"]


def test_the_plugin_makes_the_offline_model_known():
    code = (
        "from adk_flow.export import SpanPlugin\n"
        "SpanPlugin\n"
        "from google.adk.models.registry import LLMRegistry\n"
        "print(LLMRegistry.resolve('offline').__name__)\n"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "Offline\n"
