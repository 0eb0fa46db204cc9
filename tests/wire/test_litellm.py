"""ADK's LiteLlm model, through the real LiteLLM client, against a server on 127.0.0.1."""

import threading
from functools import partial

import pytest
from google.adk.models.lite_llm import LiteLlm
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.log.schema import Usage
from tests.wire import desk
from tests.wire.desk import (
    POT_NEEDED,
    REPAYMENT,
    SMALLER_REPAYMENT,
    YEARS_TO_GOAL,
    ask,
    mortgage,
    pensions,
    root,
    savings,
    transfer,
)
from tests.wire.model_server import Broken, Call, Held, Status
from tests.wire.openai_server import MODEL, OpenAIServer, declared, told

# Pydantic warns when litellm 1.106.2 reads its first stream.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")


@pytest.fixture
def server(monkeypatch):
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        yield server


@pytest.fixture
def talk(server, tmp_path):
    return partial(desk.talk, server, log=tmp_path / "flow.jsonl")


def model(**options):
    """Without retries, unless `num_retries` says otherwise: LiteLLM's default is two."""
    return LiteLlm(model=f"openai/{MODEL}", **{"num_retries": 0, **options})


# One agent


@pytest.mark.parametrize("stream", [False, True])
async def test_a_text_is_answered(server, talk, stream):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=stream)

    (request,) = server.requests
    assert request.body.get("stream", False) is stream
    assert request.headers["authorization"] == "Bearer a-key"
    assert told(request.body) == ["user: Hello?"]
    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: Hello?",
        "reply Root -> user: Good day to you.",
        "end Root -> user",
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_arrives_in_the_log_once_a_call(server, talk, stream):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?", stream=stream)

    used = [record.usage for record in flow.of("after_model") if record.usage]
    assert [(usage.input, usage.cached, usage.total) for usage in used] == [(21, 5, 32)] * 2


async def test_output_tokens_are_logged_without_thoughts(server, talk):
    server.script = {"Root": ["Hello."]}

    flow = await talk(root(model()), "Hello?")

    (record,) = flow.of("after_model")
    assert record.usage == Usage(input=21, output=8, cached=5, thoughts=3, total=32)


async def test_a_stream_gives_partial_texts_and_then_the_whole(server, talk):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=True)

    said = [(record.text, record.partial) for record in flow.of("after_model")]
    # Of a part no words are kept: a secret cut in two could not be masked.
    assert said == [("", True)] * 4 + [("Good day to you.", False)]
    assert [event.is_final_response() for event in flow.events] == [False] * 4 + [True]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_function_is_declared_called_and_answered(server, talk, stream):
    server.script = {"Mortgage": [REPAYMENT, "It costs £1,000 a month."]}

    flow = await talk(mortgage(model()), "How much?", stream=stream)

    first, second = server.requests
    assert declared(first.body) == {
        "monthly_repayment": {
            "title": "monthly_repaymentParams",
            "type": "object",
            "properties": {
                "loan": {"title": "Loan", "type": "number"},
                "years": {"title": "Years", "type": "integer"},
            },
            "required": ["loan", "years"],
        }
    }
    assert told(second.body) == [
        "user: How much?",
        'assistant call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'tool call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    (called,) = [record.calls for record in flow.of("after_model") if record.calls][-1]
    assert (called.name, called.id) == ("monthly_repayment", "call_Mortgage_1")
    assert called.text == '{"loan":240000.0,"years":20}'


async def test_a_streamed_call_has_no_arguments_until_it_is_whole(server, talk):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?", stream=True)

    calls = [(record.partial, record.calls[0].text) for record in flow.of("event") if record.calls]
    assert calls == [(True, "{}")] * 5 + [(False, '{"loan":240000.0,"years":20}')]


@pytest.mark.parametrize("stream", [False, True])
async def test_several_functions_are_called_in_one_turn(server, talk, stream):
    server.script = {"Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.", stream=stream)

    assert told(server.requests[-1].body) == [
        "user: Compare them.",
        'assistant call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'assistant call_Mortgage_2 monthly_repayment {"loan": 120000.0, "years": 20}',
        'tool call_Mortgage_1 = {"monthly": 1000.0}',
        'tool call_Mortgage_2 = {"monthly": 500.0}',
    ]
    assert [(record.call, record.text) for record in flow.of("after_tool")] == [
        ("call_Mortgage_1", '{"monthly":1000.0}'),
        ("call_Mortgage_2", '{"monthly":500.0}'),
    ]


# What goes wrong


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [Status(429, "Slow down."), Status(500, "Ouch.")])
async def test_a_retry_of_the_client_is_one_model_call_in_the_log(server, talk, fault, stream):
    server.script = {"Root": [fault, "Hello."]}

    flow = await talk(root(model(num_retries=1)), "Hello?", stream=stream)

    assert len(server.requests) == 2
    assert len(flow.of("before_model")) == 1
    assert flow.of("model_error") == []
    assert flow.picture[-2:] == ["reply Root -> user: Hello.", "end Root -> user"]


# OpenAI's client makes 1 + num_retries attempts, and then LiteLLM num_retries more.
@pytest.mark.parametrize(
    ("options", "attempts"),
    [
        ({"num_retries": None}, 3),
        ({"num_retries": 0}, 1),
        ({"num_retries": 1}, 3),
        ({"num_retries": 2}, 5),
    ],
)
async def test_a_lasting_fault_ends_the_run_after_the_last_attempt(server, talk, options, attempts):
    server.script = {"Root": [Status(500, "Ouch.")] * attempts}

    flow = await talk(root(model(**options)), "Hello?")

    assert len(flow.of("before_model")) == len(flow.of("model_error")) == 1
    assert "Ouch." in flow.of("run_error")[0].error
    assert flow.picture[-1] == "end Root -> user FAILED"


async def test_adk_passes_the_attempts_of_retry_options_as_retries(server, talk):
    server.script = {"Root": [Status(500, "Ouch.")] * 3}
    retry_options = types.HttpRetryOptions(attempts=1)
    config = types.GenerateContentConfig(
        http_options=types.HttpOptions(retry_options=retry_options)
    )

    flow = await talk(root(model(), generate_content_config=config), "Hello?")

    assert "Ouch." in str(flow.error)


FAILURES = [
    (Status(429, "Slow down."), "RateLimitError", "RateLimitError"),
    (Status(500, "Ouch."), "InternalServerError", "InternalServerError"),
    (Broken.GARBLED, "Unterminated string", "MidStreamFallbackError"),
    (Broken.CUT, "Connection error", "MidStreamFallbackError"),
    (Broken.DROPPED, "Connection error", "Connection error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "whole", "streamed"), FAILURES)
async def test_a_fault_ends_the_run_at_once_without_retries(
    server, talk, fault, whole, streamed, stream
):
    server.script = {"Root": [fault]}

    flow = await talk(root(model()), "Hello?", stream=stream)

    assert flow.error is not None
    for hook in ("model_error", "agent_error", "run_error"):
        (record,) = flow.of(hook)
        assert (streamed if stream else whole) in record.error
    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: Hello?",
        "end Root -> user FAILED",
    ]


@pytest.mark.parametrize("fault", [Broken.GARBLED, Broken.CUT])
async def test_a_stream_that_breaks_is_not_retried(server, talk, fault):
    server.script = {"Root": [fault]}

    flow = await talk(root(model(num_retries=2)), "Hello?", stream=True)

    assert type(flow.error).__name__ == "MidStreamFallbackError"


async def test_the_turn_after_a_failed_one_is_answered(server, talk):
    server.script = {"Root": [Status(500, "Ouch."), "Here I am."]}

    flow = await talk(root(model()), "Hello?", "Still there?")

    assert told(server.requests[-1].body) == ["user: Hello?", "user: Still there?"]
    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: Hello?",
        "end Root -> user FAILED",
        "start user -> Root",
        "say user -> Root: Still there?",
        "reply Root -> user: Here I am.",
        "end Root -> user",
    ]


async def test_a_fault_of_a_called_agent_fails_its_return_and_the_turn(server, talk):
    server.script = {
        "Root": [ask("Mortgage", "Repayment?")],
        "Mortgage": [Status(500, "Ouch.")],
    }

    flow = await talk(root(model(), tools=[AgentTool(mortgage(model()))]), "How much?")

    assert [record.agent for record in flow.of("run_error")] == ["Mortgage", "Root"]
    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: How much?",
        "call Root -> Mortgage",
        "ask Root -> Mortgage: Repayment?",
        "return Mortgage -> Root FAILED",
        "end Root -> user FAILED",
    ]


async def test_a_fault_after_a_transfer_ends_the_turn_at_the_specialist(server, talk):
    server.script = {"Root": [transfer("Mortgage")], "Mortgage": [Status(500, "Ouch.")]}

    flow = await talk(root(model(), sub_agents=[mortgage(model())]), "How much?")

    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: How much?",
        "transfer Root -> Mortgage",
        "end Mortgage -> user FAILED",
    ]


# Several agents


@pytest.mark.parametrize("stream", [False, True])
async def test_a_specialist_takes_over_and_hands_the_follow_up_to_a_peer(server, talk, stream):
    server.script = {
        "Root": [transfer("Mortgage")],
        "Mortgage": [REPAYMENT, "£1,000 a month.", transfer("Savings")],
        "Savings": [YEARS_TO_GOAL, "Ten years."],
    }
    specialists = [mortgage(model()), savings(model()), pensions(model())]

    flow = await talk(
        root(model(), sub_agents=specialists),
        "What is the repayment?",
        "And how long to save £12,000?",
        stream=stream,
    )

    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: What is the repayment?",
        "transfer Root -> Mortgage",
        "reply Mortgage -> user: £1,000 a month.",
        "end Mortgage -> user",
        "start user -> Mortgage",
        "say user -> Mortgage: And how long to save £12,000?",
        "transfer Mortgage -> Savings",
        "reply Savings -> user: Ten years.",
        "end Savings -> user",
    ]
    assert [request.agent for request in server.requests] == [
        "Root",
        "Mortgage",
        "Mortgage",
        "Mortgage",
        "Savings",
        "Savings",
    ]
    assert targets(server, "Root") == ["Mortgage", "Savings", "Pensions"]
    assert targets(server, "Mortgage") == ["Root", "Savings", "Pensions"]
    assert targets(server, "Savings") == ["Root", "Mortgage", "Pensions"]
    assert told(server.of("Mortgage")[1].body) == [
        "user: What is the repayment?",
        "user: [Root] called tool `transfer_to_agent` with parameters: {'agent_name': 'Mortgage'}",
        "user: [Root] `transfer_to_agent` tool returned result: {'result': None}",
        'assistant call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'tool call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    assert told(server.of("Savings")[1].body)[-6:] == [
        "user: [Mortgage] said: £1,000 a month.",
        "user: And how long to save £12,000?",
        "user: [Mortgage] called tool `transfer_to_agent` with parameters: "
        "{'agent_name': 'Savings'}",
        "user: [Mortgage] `transfer_to_agent` tool returned result: {'result': None}",
        'assistant call_Savings_1 years_to_goal {"goal": 12000.0, "monthly": 100.0}',
        'tool call_Savings_1 = {"years": 10.0}',
    ]


def targets(server, agent):
    """The agents that an agent may transfer to."""
    function = declared(server.of(agent)[0].body)["transfer_to_agent"]
    return function["properties"]["agent_name"]["enum"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_called_specialist_uses_its_tool_and_answers_the_caller(server, talk, stream):
    server.script = {
        "Root": [ask("Mortgage", "Repayment?"), "It is £1,000."],
        "Mortgage": [REPAYMENT, "£1,000 a month."],
    }
    agent = root(model(), tools=[AgentTool(mortgage(model()))])

    flow = await talk(agent, "What is the repayment?", stream=stream)

    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: What is the repayment?",
        "call Root -> Mortgage",
        "ask Root -> Mortgage: Repayment?",
        "answer Mortgage -> Root: £1,000 a month.",
        "return Mortgage -> Root",
        "reply Root -> user: It is £1,000.",
        "end Root -> user",
    ]
    # The child of an AgentTool never streams.
    assert [(request.agent, request.body.get("stream", False)) for request in server.requests] == [
        ("Root", stream),
        ("Mortgage", False),
        ("Mortgage", False),
        ("Root", stream),
    ]
    assert declared(server.of("Root")[0].body) == {
        "Mortgage": {
            "type": "object",
            "properties": {"request": {"type": "string"}},
            "required": ["request"],
        }
    }
    assert told(server.of("Mortgage")[1].body) == [
        "user: Repayment?",
        'assistant call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'tool call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    assert told(server.of("Root")[1].body) == [
        "user: What is the repayment?",
        'assistant call_Root_1 Mortgage {"request": "Repayment?"}',
        'tool call_Root_1 = {"result": "£1,000 a month."}',
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_two_specialists_called_in_one_turn_work_at_the_same_time(server, talk, stream):
    both_asked, savings_back = threading.Barrier(2, timeout=10), threading.Event()
    server.script = {
        "Root": [
            [ask("Savings", "How long?"), ask("Pensions", "How much?")],
            "Ten years, and £500,000.",
        ],
        "Savings": [Held(both_asked.wait, YEARS_TO_GOAL), "Ten years."],
        "Pensions": [
            Held(both_asked.wait, POT_NEEDED),
            Held(lambda: savings_back.wait(10), "£500,000."),
        ],
    }

    def watch(_, record):
        if (record.hook, record.tool) == ("after_tool", "Savings"):
            savings_back.set()

    agent = root(model(), tools=[AgentTool(savings(model())), AgentTool(pensions(model()))])
    flow = await talk(agent, "Both, please.", stream=stream, listener=watch)

    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: Both, please.",
        "fork Root -> Savings, Pensions",
        "call Root -> Savings",
        "ask Root -> Savings: How long?",
        "call Root -> Pensions",
        "ask Root -> Pensions: How much?",
        "answer Savings -> Root: Ten years.",
        "return Savings -> Root",
        "answer Pensions -> Root: £500,000.",
        "return Pensions -> Root",
        "join Root -> Root",
        "reply Root -> user: Ten years, and £500,000.",
        "end Root -> user",
    ]
    assert told(server.of("Pensions")[1].body) == [
        "user: How much?",
        'assistant call_Pensions_1 pot_needed {"income": 20000.0}',
        'tool call_Pensions_1 = {"pot": 500000.0}',
    ]
    assert told(server.of("Root")[1].body) == [
        "user: Both, please.",
        'assistant call_Root_1 Savings {"request": "How long?"}',
        'assistant call_Root_2 Pensions {"request": "How much?"}',
        'tool call_Root_1 = {"result": "Ten years."}',
        'tool call_Root_2 = {"result": "£500,000."}',
    ]


def task_script():
    return {
        "Root": [ask("Mortgage", "Repayment?"), "It is £1,000."],
        "Mortgage": [Call("finish_task", {"result": "£1,000 a month."})],
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_a_task_is_asked_what_the_whole_call_says(server, talk, stream):
    server.script = task_script()
    agent = root(model(), sub_agents=[mortgage(model(), mode="task")])

    flow = await talk(agent, "How much?", stream=stream)

    assert "ask Root -> Mortgage: Repayment?" in flow.picture


async def test_a_task_answers_with_its_result(server, talk):
    server.script = task_script()
    agent = root(model(), sub_agents=[mortgage(model(), mode="task")])

    flow = await talk(agent, "How much?")

    assert told(server.of("Root")[1].body)[-1] == 'tool call_Root_1 = {"result": "£1,000 a month."}'
    assert "answer Mortgage -> Root: £1,000 a month." in flow.picture


# The server itself


@pytest.mark.parametrize("answered", ["", "1", "13", "122"])
def test_results_that_do_not_fit_the_calls_fail_the_test(server, answered):
    calls = {"role": "assistant", "tool_calls": [{"id": id} for id in "12"]}
    results = [{"role": "tool", "tool_call_id": id} for id in answered]

    fault = server.fault_in("/chat/completions", {"model": MODEL, "messages": [calls, *results]})

    assert fault.startswith("calls ")
