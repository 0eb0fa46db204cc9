"""Flow logs sent as OpenTelemetry spans to a server that speaks the collector's protocol."""

from typing import Any

import pytest

from adk_flow.analysis.critical_path import schedule_turn
from adk_flow.export.spans import spans_of
from adk_flow.log.reader import read_log
from adk_flow.models.scripted import Scripted
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, expected, record
from tests.export.spans import desk, draw_tree

otlp = pytest.importorskip("adk_flow.export.otlp", reason="needs adk-flow[otlp]")
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service  # noqa: E402 - after the skip
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status  # noqa: E402 - after the skip

from adk_flow.export.attributes import CAPTURE, provider_of  # noqa: E402 - after the skip
from adk_flow.export.traces import as_traces  # noqa: E402 - after the skip
from tests.doubles.collector import collecting  # noqa: E402 - after the skip


@pytest.fixture
async def held(tmp_path):
    return await record(desk(), ["Cost?", "Pensions?", "Sure?"], tmp_path / "logs")


def sent(held, folder, endpoint, **environment):
    return run_command("export", held.log.path, "--otlp", endpoint, folder=folder, **environment)


def received(taken):
    return [
        span
        for _, _, request in taken
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(item):
    values = {pair.key: pair.value for pair in item.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


def tree(spans):
    return draw_tree(
        (
            *(span.start_time_unix_nano, span.span_id, span.parent_span_id),
            *(span.name, span.events, [link.span_id for link in span.links]),
        )
        for span in spans
    )


def test_a_log_is_sent_as_spans_that_lie_as_frames_call_each_other(held, tmp_path):
    with collecting() as (endpoint, taken):
        result = sent(held, tmp_path, endpoint)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert [path for path, _, _ in taken] == ["/v1/traces"]
    turns = tree(received(taken)).split("\ninvoke_workflow")
    assert len(turns) == 3
    assert "invoke_workflow" + turns[1] == expected("""
        invoke_workflow Root: start, end
          invoke_agent Root: say
            generate_content scripted
            execute_tool transfer_to_agent
          invoke_agent Pension: ~ invoke_agent Root, transfer, reply
            generate_content scripted
    """)
    assert "invoke_workflow" + turns[2] == expected("""
        invoke_workflow Pension: start, end
          invoke_agent Pension: say, reply
            generate_content scripted
    """)


def test_agents_are_nodes_of_a_graph_below_whoever_gave_them_control(held):
    described = [dict(span.attributes or {}) for span in as_traces(held.log)]
    agents = [each for each in described if "graph.node.id" in each]

    nodes = {(each["graph.node.id"], each.get("graph.node.parent_id")) for each in agents}
    called = {(name, "Root") for name in ("Loans", "Pension", "Savings")}
    # The last turn began with the agent that had control.
    assert nodes == {("Root", None), ("Pension", None), *called}


def test_called_agents_lie_in_their_calls(held, tmp_path):
    spans = as_traces(held.log)
    names = {span.context.span_id: span.name for span in spans}
    inner = [span for span in spans if span.parent]
    assert {(span.name, names[span.parent.span_id]) for span in inner} >= {
        ("execute_tool Loans", "invoke_agent Root"),
        ("invoke_agent Loans", "execute_tool Loans"),
        ("execute_tool rate", "invoke_agent Loans"),
        ("generate_content scripted", "invoke_agent Loans"),
        ("invoke_agent Savings", "execute_tool Savings"),
    }
    root = next(span for span in spans if span.name == "invoke_agent Root")
    kinds = [event.name.removeprefix("adk_flow.") for event in root.events]
    assert kinds[:2] == ["say", "fork"]
    assert sorted(kinds[2:-2]) == sorted(["call", "ask", "answer", "return"] * 2)
    assert kinds[-2:] == ["join", "reply"]


def test_times_are_those_of_the_log_and_lie_inside_each_other(held):
    spans = as_traces(held.log)
    by_id = {span.context.span_id: span for span in spans}
    records = held.log.records
    for span in spans:
        assert span.start_time == records[span.attributes["adk_flow.record"]].time * 1000
        parent = by_id[span.parent.span_id] if span.parent else span
        assert parent.context.trace_id == span.context.trace_id
        times: list[Any] = [parent.start_time, span.start_time, span.end_time, parent.end_time]
        assert times == sorted(times)
    told = sorted((event.timestamp, event.name) for span in spans for event in span.events)
    moves = sorted((move.time * 1000, f"adk_flow.{move.kind}") for move in held.moves)
    assert told == moves


def test_attributes_follow_the_conventions_for_generative_ai(held, tmp_path):
    with collecting() as (endpoint, taken):
        sent(held, tmp_path, endpoint)

    resource = taken[0][2].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "app"
    spans = {span.name: span for span in received(taken)}
    model, tool = spans["generate_content scripted"], spans["execute_tool rate"]
    assert model.kind == Span.SPAN_KIND_CLIENT
    usage = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 10}
    asked = {"gen_ai.operation.name": "generate_content", "gen_ai.request.model": "scripted"}
    session = {"gen_ai.conversation.id": held.log.header.session}
    for span, told in (
        (model, usage | asked | session),
        (tool, {"gen_ai.tool.name": "rate", "gen_ai.agent.name": "Loans"}),
        (spans["invoke_agent Pension"], {"gen_ai.agent.name": "Pension"}),
    ):
        assert attributes(span).items() >= told.items()
    providers = {"gemini-2.5-flash": "gcp.gemini", "openai/gpt-4o": "openai", "scripted": ""}
    assert {name: provider_of(name) for name in providers} == providers


def test_a_log_has_the_same_ids_each_time(held):
    def ids():
        spans = as_traces(read_log(held.log.path))
        return [(span.context.trace_id, span.context.span_id) for span in spans]

    assert ids() == ids()
    assert len(set(ids())) == len(ids())


@pytest.mark.parametrize(("captured", "said"), [("", False), ("SPAN_ONLY", True)])
def test_words_leave_only_where_opentelemetry_is_told_to(held, tmp_path, captured, said):
    with collecting() as (endpoint, taken):
        sent(held, tmp_path, endpoint, **{CAPTURE: captured})
    assert (b"Pensions?" in taken[0][2].SerializeToString()) is said


async def test_a_failed_turn_is_an_error_and_a_cut_one_says_so(tmp_path):
    model = Scripted(script={"Root": ["Once."]})
    held = await record(agent("Root", model), ["One?", "Two?"], tmp_path)
    spans = as_traces(held.log)

    failed = [span for span in spans if span.name == "invoke_workflow Root"][1]
    assert failed.status.status_code.value == Status.STATUS_CODE_ERROR
    assert failed.attributes["error.type"] == "ScriptError"
    cut = as_traces(held.log._replace(records=held.log.records[:4]))
    assert {span.attributes.get("adk_flow.complete") for span in cut} == {False}


async def test_model_calls_are_those_that_the_figures_count(held):
    counted = [
        (span.record, span.kind, span.took, span.input_tokens)
        for turn in held.trace.turns
        for span in schedule_turn(turn).spans
    ]
    told = [
        (span.record, span.kind, span.ended - span.began, span.usage.input)
        for span in spans_of(held.trace).spans
        if span.kind in ("model", "replaced") or span.tool_kind == "function"
    ]
    assert sorted(told) == sorted(counted)


def test_what_is_no_endpoint_is_told_in_one_line(held, tmp_path):
    with collecting() as (gone, _):
        pass
    for endpoint, words in {
        gone: f"{gone}/v1/traces: cannot be reached",
        "localhost:4318": "--otlp localhost:4318: is no address",
        "http://[::1": "is no address",
        "": "--otlp '': is no address; expected one such as http://localhost:4318",
    }.items():
        assert_refused(sent(held, tmp_path, endpoint), words)
    assert not (tmp_path / "flow_tables").exists()


PART = service.ExportTracePartialSuccess(rejected_spans=3, error_message="too old")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 400}, "answered 400 Bad Request"),
        ({"status": 503}, "answered 503"),
        (
            {
                "answer": service.ExportTraceServiceResponse(
                    partial_success=PART
                ).SerializeToString()
            },
            "refused 3 spans: too old",
        ),
        (
            {"answer": b"<html>", "headers": {"Content-Type": "text/html; charset=utf-8"}},
            "answered with a page (text/html); expected a collector",
        ),
        ({"status": 302, "headers": {"Location": "/sign-in"}}, "answered 302 Found, to /sign-in\n"),
        ({"status": 307, "headers": {"Location": "/sign-in"}}, ", to /sign-in\n"),
    ],
)
def test_a_collector_that_does_not_take_all_is_told_in_one_line(held, tmp_path, answer, words):
    with collecting(**answer) as (endpoint, taken):
        result = sent(held, tmp_path, endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="0.5")

    assert_refused(result, words)
    assert f"{endpoint}/v1/traces: " in result.stderr
    assert len(taken) == 1 or answer.get("status") == 503, "a redirect is not followed"


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "could not convert"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "x", "must be a non-negative integer"),
        ("OTEL_SDK_DISABLED", "true", "OTEL_SDK_DISABLED is set"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "none.pem", "1/v1/traces: Could not find"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "none.pem", "1/v1/traces: Could not find"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(held, tmp_path, setting, value, words):
    result = sent(held, tmp_path, "https://127.0.0.1:1", **{setting: value})

    assert_refused(result, words)
    assert value in result.stderr or setting in result.stderr


def test_an_endpoint_keeps_its_query_behind_the_path_of_the_protocol(held, tmp_path):
    with collecting() as (endpoint, taken):
        result = sent(held, tmp_path, f"{endpoint}?key=1")

    assert result.returncode == 0, result.stderr
    assert [path for path, _, _ in taken] == ["/v1/traces?key=1"]


def test_what_the_environment_says_of_a_collector_is_heeded(held, tmp_path):
    with collecting() as (endpoint, taken):
        result = sent(
            *(held, tmp_path, f"{endpoint}/custom/path"),
            OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20abc",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            OTEL_SERVICE_NAME="desk",
        )

    assert result.returncode == 0, result.stderr
    path, headers, request = taken[0]
    assert path == "/custom/path"
    assert headers["authorization"] == "Bearer abc"
    assert attributes(request.resource_spans[0].resource)["service.name"] == "desk"


def test_many_spans_go_in_several_requests(held, monkeypatch):
    monkeypatch.setattr(otlp, "BATCH", 10)
    spans = as_traces(held.log)
    with collecting() as (endpoint, taken):
        otlp.send(spans, endpoint)

    assert len(taken) > 1
    assert len(received(taken)) == len(spans)
