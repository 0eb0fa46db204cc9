"""A conversation through each provider's real client, against a server on 127.0.0.1."""

import threading

import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.log.schema import Usage
from tests.doubles.flow import expected
from tests.doubles.wire.advisers import (
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
from tests.doubles.wire.model_server import Call, Held, Status
from tests.doubles.wire.providers import BROKEN_DOWN, PROVIDERS

# Pydantic warns when litellm 1.106.2 reads its first stream.

STREAMS = pytest.mark.parametrize("stream", [False, True])
USED = Usage(input=21, output=8, cached=5, thoughts=3, total=32)


# One agent


@STREAMS
async def test_a_text_is_answered(server, talk, model, provider, stream):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=stream)

    (request,) = server.requests
    assert server.is_stream(request.path, request.body) is stream
    assert provider.key_in(request) == "a-key"
    assert server.lines_of(request.body) == ["user: Hello?"]
    assert flow.picture == expected("""
        start user to Root
        user say Root "Hello?"
        Root reply user "Good day to you."
        end Root to user
    """)


async def test_usage_arrives_in_the_log(server, talk, model):
    server.script = {"Mortgage": [REPAYMENT, "£1,000."]}

    flow = await talk(mortgage(model()), "How much?")

    assert [record.usage for record in flow.of("after_model")] == [USED, USED]


async def test_a_stream_gives_partial_texts_and_then_the_whole(server, talk, model):
    server.script = {"Root": ["Good day to you."]}

    flow = await talk(root(model()), "Hello?", stream=True)

    said = [(record.text, record.partial) for record in flow.of("after_model")]
    # Of a part no words are kept: a secret cut in two could not be masked.
    assert said == [("", True)] * 4 + [("Good day to you.", False)]
    assert [event.is_final_response() for event in flow.events] == [False] * 4 + [True]


@STREAMS
async def test_a_function_is_declared_called_and_answered(server, talk, model, stream):
    server.script = {"Mortgage": [REPAYMENT, "It costs £1,000 a month."]}

    flow = await talk(mortgage(model()), "How much?", stream=stream)

    first, second = server.requests
    assert server.declared(first.body) == {
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
    assert server.lines_of(second.body) == [
        "user: How much?",
        'call call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'result call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    (called,) = [record.calls for record in flow.of("after_model") if record.calls][-1]
    assert (called.name, called.id) == ("monthly_repayment", "call_Mortgage_1")
    assert called.text == '{"loan":240000.0,"years":20}'


@STREAMS
async def test_several_functions_are_called_in_one_turn(server, talk, model, stream):
    server.script = {"Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."]}

    flow = await talk(mortgage(model()), "Compare them.", stream=stream)

    assert server.lines_of(server.requests[-1].body) == [
        "user: Compare them.",
        'call call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'call call_Mortgage_2 monthly_repayment {"loan": 120000.0, "years": 20}',
        'result call_Mortgage_1 = {"monthly": 1000.0}',
        'result call_Mortgage_2 = {"monthly": 500.0}',
    ]
    assert [(record.call, record.text) for record in flow.of("after_tool")] == [
        ("call_Mortgage_1", '{"monthly":1000.0}'),
        ("call_Mortgage_2", '{"monthly":500.0}'),
    ]


# What goes wrong


@STREAMS
@pytest.mark.parametrize(
    ("provider", "fault"),
    [(provider, fault) for provider in PROVIDERS for fault in provider.retried],
    indirect=["provider"],
)
async def test_a_retry_of_the_client_is_one_model_call_in_the_log(
    server, talk, provider, fault, stream
):
    server.script = {"Root": [fault, "Hello."]}

    flow = await talk(root(provider.retrying(2)), "Hello?", stream=stream)

    assert len(server.requests) == 2
    assert len(flow.of("before_model")) == 1
    assert flow.of("model_error") == []
    assert flow.picture[-2:] == ['Root reply user "Hello."', "end Root to user"]


@STREAMS
@pytest.mark.parametrize(
    ("provider", "fault"),
    [(provider, fault) for provider in PROVIDERS for fault in provider.errors],
    indirect=["provider"],
)
async def test_a_fault_ends_the_run_at_once_without_retries(
    server, talk, model, provider, fault, stream
):
    server.script = {"Root": [fault]}

    flow = await talk(root(model()), "Hello?", stream=stream)

    assert len(flow.errors) == 1
    for hook in ("model_error", "agent_error", "run_error"):
        (record,) = flow.of(hook)
        assert provider.errors[fault][stream] in record.error
    if not stream:  # what the server refused took nothing
        assert flow.input_tokens == (0 if isinstance(fault, Status) else None)
    assert flow.picture == expected("""
        start user to Root
        user say Root "Hello?"
        end Root to user FAILED
    """)


async def test_the_turn_after_a_failed_one_is_answered(server, talk, model):
    server.script = {"Root": [BROKEN_DOWN, "Here I am."]}

    flow = await talk(root(model()), "Hello?", "Still there?")

    assert server.lines_of(server.requests[-1].body) == ["user: Hello?", "user: Still there?"]
    assert flow.picture == expected("""
        start user to Root
        user say Root "Hello?"
        end Root to user FAILED
        start user to Root
        user say Root "Still there?"
        Root reply user "Here I am."
        end Root to user
    """)


async def test_a_fault_of_a_called_agent_fails_its_return_and_the_turn(server, talk, model):
    server.script = {
        "Root": [ask("Mortgage", "Repayment?")],
        "Mortgage": [BROKEN_DOWN],
    }

    flow = await talk(root(model(), tools=[AgentTool(mortgage(model()))]), "How much?")

    assert [record.agent for record in flow.of("run_error")] == ["Mortgage", "Root"]
    assert flow.picture == expected("""
        start user to Root
        user say Root "How much?"
        Root -> Mortgage (agent_tool)
        Root ask Mortgage "Repayment?"
        Root <- Mortgage FAILED
        end Root to user FAILED
    """)


async def test_a_fault_after_a_transfer_ends_the_turn_at_the_specialist(server, talk, model):
    server.script = {"Root": [transfer("Mortgage")], "Mortgage": [BROKEN_DOWN]}

    flow = await talk(root(model(), sub_agents=[mortgage(model())]), "How much?")

    assert flow.picture == expected("""
        start user to Root
        user say Root "How much?"
        Root => Mortgage
        end Mortgage to user FAILED
    """)


# Several agents


@STREAMS
async def test_a_specialist_takes_over_and_hands_the_follow_up_to_a_peer(
    server, talk, model, stream
):
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

    assert flow.picture == expected("""
        start user to Root
        user say Root "What is the repayment?"
        Root => Mortgage
        Mortgage reply user "£1,000 a month."
        end Mortgage to user
        start user to Mortgage
        user say Mortgage "And how long to save £12,000?"
        Mortgage => Savings
        Savings reply user "Ten years."
        end Savings to user
    """)
    names = [request.agent for request in server.requests]
    assert names == ["Root", *["Mortgage"] * 3, *["Savings"] * 2]
    assert targets(server, "Root") == ["Mortgage", "Savings", "Pensions"]
    assert targets(server, "Mortgage") == ["Root", "Savings", "Pensions"]
    assert targets(server, "Savings") == ["Root", "Mortgage", "Pensions"]
    assert server.lines_of(server.of("Mortgage")[1].body) == [
        "user: What is the repayment?",
        "user: [Root] called tool `transfer_to_agent` with parameters: {'agent_name': 'Mortgage'}",
        "user: [Root] `transfer_to_agent` tool returned result: {'result': None}",
        'call call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'result call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    assert server.lines_of(server.of("Savings")[1].body)[-6:] == [
        "user: [Mortgage] said: £1,000 a month.",
        "user: And how long to save £12,000?",
        "user: [Mortgage] called tool `transfer_to_agent` with parameters: "
        "{'agent_name': 'Savings'}",
        "user: [Mortgage] `transfer_to_agent` tool returned result: {'result': None}",
        'call call_Savings_1 years_to_goal {"goal": 12000.0, "monthly": 100.0}',
        'result call_Savings_1 = {"years": 10.0}',
    ]


def targets(server, agent):
    """The agents that an agent may transfer to."""
    function = server.declared(server.of(agent)[0].body)["transfer_to_agent"]
    return function["properties"]["agent_name"]["enum"]


@STREAMS
async def test_a_called_specialist_uses_its_tool_and_answers_the_caller(
    server, talk, model, stream
):
    server.script = {
        "Root": [ask("Mortgage", "Repayment?"), "It is £1,000."],
        "Mortgage": [REPAYMENT, "£1,000 a month."],
    }
    agent = root(model(), tools=[AgentTool(mortgage(model()))])

    flow = await talk(agent, "What is the repayment?", stream=stream)

    assert flow.picture == expected("""
        start user to Root
        user say Root "What is the repayment?"
        Root -> Mortgage (agent_tool)
        Root ask Mortgage "Repayment?"
        Mortgage answer Root "£1,000 a month."
        Root <- Mortgage
        Root reply user "It is £1,000."
        end Root to user
    """)
    # The child of an AgentTool never streams.
    asked = [(one.agent, server.is_stream(one.path, one.body)) for one in server.requests]
    assert asked == [("Root", stream), ("Mortgage", False), ("Mortgage", False), ("Root", stream)]
    # Each request counts once: the client's model is entered where the hooks tell of it.
    assert (flow.llm_calls, flow.of("model_call")) == (len(server.requests), [])
    assert flow.tokens == len(server.requests) * USED.tokens
    assert server.declared(server.of("Root")[0].body) == {
        "Mortgage": {
            "type": "object",
            "properties": {"request": {"type": "string"}},
            "required": ["request"],
        }
    }
    assert server.lines_of(server.of("Mortgage")[1].body) == [
        "user: Repayment?",
        'call call_Mortgage_1 monthly_repayment {"loan": 240000.0, "years": 20}',
        'result call_Mortgage_1 = {"monthly": 1000.0}',
    ]
    assert server.lines_of(server.of("Root")[1].body) == [
        "user: What is the repayment?",
        'call call_Root_1 Mortgage {"request": "Repayment?"}',
        'result call_Root_1 = {"result": "£1,000 a month."}',
    ]


@STREAMS
async def test_two_specialists_called_in_one_turn_work_at_the_same_time(
    server, talk, model, stream
):
    both_asked, savings_back = threading.Barrier(2, timeout=60), threading.Event()
    server.script = {
        "Root": [
            [ask("Savings", "How long?"), ask("Pensions", "How much?")],
            "Ten years, and £500,000.",
        ],
        "Savings": [Held(both_asked.wait, YEARS_TO_GOAL), "Ten years."],
        "Pensions": [
            Held(both_asked.wait, POT_NEEDED),
            Held(lambda: savings_back.wait(60), "£500,000."),
        ],
    }

    def watch(_, record):
        if (record.hook, record.tool) == ("after_tool", "Savings"):
            savings_back.set()

    agent = root(model(), tools=[AgentTool(savings(model())), AgentTool(pensions(model()))])
    flow = await talk(agent, "Both, please.", stream=stream, listener=watch)

    assert flow.picture == expected("""
        start user to Root
        user say Root "Both, please."
        Root -< Savings, Pensions
        Root -> Savings (agent_tool)
        Root ask Savings "How long?"
        Root -> Pensions (agent_tool)
        Root ask Pensions "How much?"
        Savings answer Root "Ten years."
        Root <- Savings
        Pensions answer Root "£500,000."
        Root <- Pensions
        Root >-
        Root reply user "Ten years, and £500,000."
        end Root to user
    """)
    assert server.lines_of(server.of("Pensions")[1].body) == [
        "user: How much?",
        'call call_Pensions_1 pot_needed {"income": 20000.0}',
        'result call_Pensions_1 = {"pot": 500000.0}',
    ]
    assert server.lines_of(server.of("Root")[1].body) == [
        "user: Both, please.",
        'call call_Root_1 Savings {"request": "How long?"}',
        'call call_Root_2 Pensions {"request": "How much?"}',
        'result call_Root_1 = {"result": "Ten years."}',
        'result call_Root_2 = {"result": "£500,000."}',
    ]


@STREAMS
async def test_a_task_is_asked_what_the_whole_call_says_and_answers_with_its_result(
    server, talk, model, stream
):
    server.script = {
        "Root": [ask("Mortgage", "Repayment?"), "It is £1,000."],
        "Mortgage": [Call("finish_task", {"result": "£1,000 a month."})],
    }

    flow = await talk(
        root(model(), sub_agents=[mortgage(model(), mode="task")]), "How much?", stream=stream
    )

    assert 'Root ask Mortgage "Repayment?"' in flow.picture
    assert 'Mortgage answer Root "£1,000 a month."' in flow.picture
    result = server.lines_of(server.of("Root")[1].body)[-1]
    assert result == 'result call_Root_1 = {"result": "£1,000 a month."}'


# The server itself


async def test_a_request_that_nobody_expected_fails_the_test(server, talk, model):
    server.script = {"Mortgage": [REPAYMENT]}

    with pytest.raises(AssertionError, match="Mortgage asked for reply 2; its script has 1"):
        await talk(mortgage(model()), "How much?")


async def test_a_reply_that_nobody_asked_for_fails_the_test(server, talk, model):
    server.script = {"Root": ["Hello.", "Again."]}

    with pytest.raises(AssertionError, match=r"nobody asked for: {'Root': 1}"):
        await talk(root(model()), "Hello?")
