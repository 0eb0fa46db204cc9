"""ADK's Gemini model, through the real google-genai client, against a server on 127.0.0.1."""

import threading
from functools import partial

import pytest
from google.adk.models import Gemini
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
from tests.wire.gemini_server import MODEL, GeminiServer, declared, told
from tests.wire.model_server import Broken, Held, Status

USED = Usage(input=21, output=8, cached=5, thoughts=3, total=32)
WHOLE = f"/v1beta/models/{MODEL}:generateContent"
STREAM = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"


@pytest.fixture
def server(monkeypatch):
    with GeminiServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
        yield server


@pytest.fixture
def talk(server, tmp_path):
    return partial(desk.talk, server, log=tmp_path / "flow.jsonl")


def model(**options):
    return Gemini(model=MODEL, **options)


def retrying(attempts):
    return types.HttpRetryOptions(attempts=attempts, initial_delay=0.001, jitter=0.0)


# One agent


@pytest.mark.parametrize("stream", [False, True])
async def test_a_text_is_answered(server, talk, stream):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=stream)

    (request,) = server.requests
    assert request.path == (STREAM if stream else WHOLE)
    assert request.headers["x-goog-api-key"] == "a-key"
    assert told(request.body) == ["user: Hello?"]
    assert flow.picture == [
        "start user -> Root",
        "say user -> Root: Hello?",
        "reply Root -> user: Good day to you.",
        "end Root -> user",
    ]


async def test_usage_arrives_in_the_log(server, talk):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?")

    assert [record.usage for record in flow.of("after_model")] == [USED, USED]


async def test_a_stream_gives_partial_texts_and_then_the_whole(server, talk):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=True)

    said = [(record.text, record.partial) for record in flow.of("after_model")]
    # Of a part no words are kept: a secret cut in two could not be masked.
    assert said == [("", True)] * 4 + [("Good day to you.", False)]
    assert [(event.partial, event.is_final_response()) for event in flow.events] == [
        (True, False),
        (True, False),
        (True, False),
        (True, False),
        (False, True),
    ]


async def test_each_chunk_of_a_stream_reports_usage_and_the_whole_reports_it_again(server, talk):
    server.script = {"Root": ["Good day."]}

    flow = await talk(root(model()), "Hello?", stream=True)

    used = [(record.usage, record.partial) for record in flow.of("after_model")]
    assert used == [(Usage(input=21, total=21), True), (USED, True), (USED, False)]


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
        'model call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'user call_Mortgage_1 monthly_repayment = {"monthly": 1000.0}',
    ]
    (called,) = [record.calls for record in flow.of("after_model") if record.calls][-1]
    assert (called.name, called.id) == ("monthly_repayment", "call_Mortgage_1")
    assert called.text == '{"loan":240000.0,"years":20}'


@pytest.mark.parametrize("stream", [False, True])
async def test_several_functions_are_called_in_one_turn(server, talk, stream):
    server.script = {"Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.", stream=stream)

    assert told(server.requests[-1].body) == [
        "user: Compare them.",
        'model call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'model call_Mortgage_2 monthly_repayment {"loan": 120000.0, "years": 20}',
        'user call_Mortgage_1 monthly_repayment = {"monthly": 1000.0}',
        'user call_Mortgage_2 monthly_repayment = {"monthly": 500.0}',
    ]
    assert [(record.call, record.text) for record in flow.of("after_tool")] == [
        ("call_Mortgage_1", '{"monthly":1000.0}'),
        ("call_Mortgage_2", '{"monthly":500.0}'),
    ]


async def test_adk_makes_up_ids_that_the_model_does_not_give_and_keeps_them_to_itself(server, talk):
    server.gives_ids = False
    server.script = {"Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.")

    assert told(server.requests[-1].body)[1:] == [
        'model - monthly_repayment {"loan": 240000.0, "years": 20}',
        'model - monthly_repayment {"loan": 120000.0, "years": 20}',
        'user - monthly_repayment = {"monthly": 1000.0}',
        'user - monthly_repayment = {"monthly": 500.0}',
    ]
    calls = [record.call for record in flow.of("after_tool")]
    assert len(set(calls)) == 2
    assert all(call.startswith("adk-") for call in calls)


# What goes wrong


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [Status(429, "Slow down."), Status(500, "Ouch."), Broken.DROPPED])
async def test_a_retry_of_the_client_is_one_model_call_in_the_log(server, talk, fault, stream):
    server.script = {"Root": [fault, "Hello."]}

    flow = await talk(root(model(retry_options=retrying(2))), "Hello?", stream=stream)

    assert len(server.requests) == 2
    assert len(flow.of("before_model")) == 1
    assert flow.of("model_error") == []
    assert flow.picture[-2:] == ["reply Root -> user: Hello.", "end Root -> user"]


FAILURES = [
    (Status(429, "Slow down."), "429 RESOURCE_EXHAUSTED", "429 RESOURCE_EXHAUSTED"),
    (Status(500, "Ouch."), "ServerError: 500 INTERNAL", "ServerError: 500 INTERNAL"),
    (Broken.GARBLED, "JSONDecodeError", "UnknownApiResponseError"),
    (Broken.CUT, "ClientPayloadError", "ClientPayloadError"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "whole", "streamed"), FAILURES)
async def test_a_fault_ends_the_run_at_once_without_retry_options(
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


async def test_a_lasting_fault_ends_the_run_after_the_last_attempt(server, talk):
    server.script = {"Root": [Status(500, "Ouch.")] * 3}

    flow = await talk(root(model(retry_options=retrying(3))), "Hello?")

    assert "Ouch." in str(flow.error)
    assert len(flow.of("before_model")) == len(flow.of("model_error")) == 1
    assert flow.picture[-1] == "end Root -> user FAILED"


async def test_a_body_cut_short_is_not_retried(server, talk):
    server.script = {"Root": [Broken.CUT]}

    flow = await talk(root(model(retry_options=retrying(3))), "Hello?")

    assert type(flow.error).__name__ == "ClientPayloadError"


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
        'model call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'user call_Mortgage_1 monthly_repayment = {"monthly": 1000.0}',
    ]
    assert told(server.of("Savings")[1].body)[-6:] == [
        "user: [Mortgage] said: £1,000 a month.",
        "user: And how long to save £12,000?",
        "user: [Mortgage] called tool `transfer_to_agent` with parameters: "
        "{'agent_name': 'Savings'}",
        "user: [Mortgage] `transfer_to_agent` tool returned result: {'result': None}",
        'model call_Savings_1 years_to_goal {"goal": 12000.0, "monthly": 100.0}',
        'user call_Savings_1 years_to_goal = {"years": 10.0}',
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
    assert [(request.agent, request.path) for request in server.requests] == [
        ("Root", STREAM if stream else WHOLE),
        ("Mortgage", WHOLE),
        ("Mortgage", WHOLE),
        ("Root", STREAM if stream else WHOLE),
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
        'model call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'user call_Mortgage_1 monthly_repayment = {"monthly": 1000.0}',
    ]
    assert told(server.of("Root")[1].body) == [
        "user: What is the repayment?",
        'model call_Root_1 Mortgage {"request": "Repayment?"}',
        'user call_Root_1 Mortgage = {"result": "\\u00a31,000 a month."}',
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
        'model call_Pensions_1 pot_needed {"income": 20000.0}',
        'user call_Pensions_1 pot_needed = {"pot": 500000.0}',
    ]
    assert told(server.of("Root")[1].body) == [
        "user: Both, please.",
        'model call_Root_1 Savings {"request": "How long?"}',
        'model call_Root_2 Pensions {"request": "How much?"}',
        'user call_Root_1 Savings = {"result": "Ten years."}',
        'user call_Root_2 Pensions = {"result": "\\u00a3500,000."}',
    ]


# The server itself


async def test_a_request_that_nobody_expected_fails_the_test(server, talk):
    server.script = {"Mortgage": [REPAYMENT]}

    with pytest.raises(AssertionError, match="Mortgage asked for reply 2; its script has 1"):
        await talk(mortgage(model()), "How much?")


async def test_a_reply_that_nobody_asked_for_fails_the_test(server, talk):
    server.script = {"Root": ["Hello.", "Again."]}

    with pytest.raises(AssertionError, match=r"nobody asked for: {'Root': 1}"):
        await talk(root(model()), "Hello?")


@pytest.mark.parametrize("answered", [[], ["2", "1"], ["1"], ["1", "3"]])
def test_results_that_do_not_fit_the_calls_fail_the_test(server, answered):
    calls = [{"functionCall": {"id": id, "name": "tool"}} for id in "12"]
    results = [{"functionResponse": {"id": id, "name": "tool"}} for id in answered]

    fault = server.fault_in(WHOLE, {"contents": [{"parts": calls}, {"parts": results}]})

    assert "are followed by results" in fault
