"""What only google-genai's client does, against a server on 127.0.0.1."""

import pytest

from adk_flow.log.schema import Usage
from tests.doubles.wire.advisers import REPAYMENT, SMALLER_REPAYMENT, mortgage, root
from tests.doubles.wire.gemini_server import MODEL
from tests.doubles.wire.model_server import Broken
from tests.doubles.wire.providers import BROKEN_DOWN, GeminiClient


@pytest.fixture
def provider():
    return GeminiClient()


async def test_each_chunk_of_a_stream_reports_usage_and_the_whole_reports_it_again(
    server, talk, model
):
    server.script = {"Root": ["Good day."]}

    flow = await talk(root(model()), "Hello?", stream=True)

    used = [(record.usage, record.partial) for record in flow.of("after_model")]
    whole = Usage(input=21, output=8, cached=5, thoughts=3, total=32)
    assert used == [(Usage(input=21, total=21), True), (whole, True), (whole, False)]


async def test_what_runs_before_a_stream_goes_on_makes_no_other_call_of_it(
    server, talk, model, monkeypatch
):
    """As ADK 1 always does: what a chunk asks for runs before the next is read."""
    monkeypatch.setenv("ADK_DISABLE_PROGRESSIVE_SSE_STREAMING", "1")
    server.script = {"Mortgage": [["Hm.", REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.", stream=True)

    hooks = [record.hook for record in flow.log.records if record.calls or "tool" in record.hook]
    assert hooks == ["after_model", "event", "before_tool", "after_tool"] * 2
    assert flow.llm_calls == flow.total.reported_llm_calls == len(server.requests) == 2
    assert (flow.input_tokens, flow.output_tokens, flow.tool_calls) == (2 * 21, 2 * 11, 2)


async def test_adk_makes_up_ids_that_the_model_does_not_give_and_keeps_them_to_itself(
    server, talk, model
):
    server.gives_ids = False
    server.script = {"Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.")

    assert server.lines_of(server.requests[-1].body)[1:] == [
        'call - monthly_repayment {"loan": 240000.0, "years": 20}',
        'call - monthly_repayment {"loan": 120000.0, "years": 20}',
        'result - = {"monthly": 1000.0}',
        'result - = {"monthly": 500.0}',
    ]
    calls = [record.call for record in flow.of("after_tool")]
    assert len(set(calls)) == 2
    assert all(call.startswith("adk-") for call in calls)


async def test_a_lasting_fault_ends_the_run_after_the_last_attempt(server, talk, provider):
    server.script = {"Root": [BROKEN_DOWN] * 3}

    flow = await talk(root(provider.retrying(3)), "Hello?")

    assert "Ouch." in str(flow.errors)
    assert len(flow.of("before_model")) == len(flow.of("model_error")) == 1
    assert flow.picture[-1] == "end Root to user FAILED"


async def test_a_body_cut_short_is_not_retried(server, talk, provider):
    server.script = {"Root": [Broken.CUT]}

    flow = await talk(root(provider.retrying(3)), "Hello?")

    assert [type(error).__name__ for error in flow.errors] == ["ClientPayloadError"]


@pytest.mark.parametrize("answered", [[], ["2", "1"], ["1"], ["1", "3"]])
def test_results_that_do_not_fit_the_calls_fail_the_test(server, answered):
    calls = [{"functionCall": {"id": id, "name": "tool"}} for id in "12"]
    results = [{"functionResponse": {"id": id, "name": "tool"}} for id in answered]
    body = {"contents": [{"parts": calls}, {"parts": results}]}

    fault = server.fault_in(f"/v1beta/models/{MODEL}:generateContent", body)

    assert "are followed by results" in fault
