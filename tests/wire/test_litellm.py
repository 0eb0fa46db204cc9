"""What only LiteLLM's client does, against a server on 127.0.0.1."""

import pytest
from google.genai import types

from tests.doubles.wire.advisers import REPAYMENT, mortgage, root
from tests.doubles.wire.model_server import Broken
from tests.doubles.wire.openai_server import MODEL
from tests.doubles.wire.providers import BROKEN_DOWN, LiteLlmClient

# Pydantic warns when litellm 1.106.2 reads its first stream.


@pytest.fixture
def provider():
    return LiteLlmClient()


async def test_a_stream_reports_usage_once_a_call(server, talk, model):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?", stream=True)

    used = [record.usage for record in flow.of("after_model") if record.usage]
    assert [(usage.input, usage.cached, usage.total) for usage in used] == [(21, 5, 32)] * 2


async def test_what_no_server_reported_is_unknown_though_litellm_makes_zeros_of_it(
    server, talk, model
):
    server.script, server.reports_usage = {"Mortgage": ["£1,000."]}, False

    flow = await talk(mortgage(model()), "How much?")

    assert flow.events[-1].usage_metadata.total_token_count == 0
    assert (flow.llm_calls, flow.input_tokens, flow.output_tokens) == (1, None, None)


async def test_of_a_stream_without_usage_litellms_estimate_is_told_as_reported(server, talk, model):
    """It counts words by itself, and hands that on as if the server had told it (1.106)."""
    server.script, server.reports_usage = {"Mortgage": ["£1,000."]}, False

    flow = await talk(mortgage(model()), "How much?", stream=True)

    assert flow.input_tokens == flow.events[-1].usage_metadata.prompt_token_count > 0


async def test_a_streamed_call_has_no_arguments_until_it_is_whole(server, talk, model):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?", stream=True)

    calls = [(record.partial, record.calls[0].text) for record in flow.of("event") if record.calls]
    assert calls == [(True, "")] * 5 + [(False, '{"loan":240000.0,"years":20}')]


# OpenAI's client makes 1 + num_retries attempts, and then LiteLLM num_retries more.
@pytest.mark.parametrize(("retries", "attempts"), [(None, 3), (0, 1), (1, 3), (2, 5)])
async def test_a_lasting_fault_ends_the_run_after_the_last_attempt(
    server, talk, model, retries, attempts
):
    server.script = {"Root": [BROKEN_DOWN] * attempts}

    flow = await talk(root(model(num_retries=retries)), "Hello?")

    assert len(flow.of("before_model")) == len(flow.of("model_error")) == 1
    assert "Ouch." in flow.of("run_error")[0].error
    assert flow.picture[-1] == "end Root to user FAILED"


async def test_adk_passes_the_attempts_of_retry_options_as_retries(server, talk, model):
    server.script = {"Root": [BROKEN_DOWN] * 3}
    retry_options = types.HttpRetryOptions(attempts=1)
    config = types.GenerateContentConfig(
        http_options=types.HttpOptions(retry_options=retry_options)
    )

    flow = await talk(root(model(), generate_content_config=config), "Hello?")

    assert "Ouch." in str(flow.errors)


@pytest.mark.parametrize("fault", [Broken.GARBLED, Broken.CUT])
async def test_a_stream_that_breaks_is_not_retried(server, talk, provider, fault):
    server.script = {"Root": [fault]}

    flow = await talk(root(provider.retrying(3)), "Hello?", stream=True)

    assert [type(error).__name__ for error in flow.errors] == ["MidStreamFallbackError"]


@pytest.mark.parametrize("answered", ["", "1", "13", "122"])
def test_results_that_do_not_fit_the_calls_fail_the_test(server, answered):
    calls = {"role": "assistant", "tool_calls": [{"id": id} for id in "12"]}
    results = [{"role": "tool", "tool_call_id": id} for id in answered]

    fault = server.fault_in("/chat/completions", {"model": MODEL, "messages": [calls, *results]})

    assert fault.startswith("calls ")
