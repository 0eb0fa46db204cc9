"""Hooks that another plugin hid from the recorder."""

from typing import Any

import pytest
from google.adk.agents import LoopAgent
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.findings import BOTH, desk, found
from tests.doubles.flow import agent

SAID = types.ModelContent("no")


def hide(hook: str, answer: Any) -> BasePlugin:
    """Makes a plugin that answers one hook, and so hides it from the plugins after it."""

    async def answering(self, **fields):
        return answer(fields) if callable(answer) else answer

    return type("Hides", (BasePlugin,), {f"{hook}_callback": answering})(name="hides")


async def test_a_call_whose_hook_was_hidden_returns_and_the_hook_is_named(tmp_path):
    root = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, as_tools=True)
    plugin = hide("after_tool", {"result": "redacted"})

    flow, (one,) = await found(root, ["?"], tmp_path, "hidden_hook", before=[plugin])

    assert [line for line in flow.control if "<-" in line or ">-" in line] == [
        "Root <- Loans",
        "Root <- Funds",
        "Root >-",
    ]
    assert one.text == (
        "A plugin before the recorder hid after_tool of Loans and Funds; list FlowPlugin first."
    )


CALLED = ["Root -> Kid (agent_tool)", "Root <- Kid", "Root => Peer"]


@pytest.mark.parametrize(
    ("hook", "answer", "hidden", "moves", "calls"),
    [
        ("before_agent", SAID, ["before_agent of Root"], [], 0),
        (
            "before_agent",
            lambda fields: SAID if fields["agent"].name != "Root" else None,
            ["before_agent of Kid and Peer"],
            CALLED,
            2,
        ),
        ("after_agent", SAID, ["after_agent of Kid and Peer"], CALLED, 4),
        (
            "before_tool",
            lambda fields: {"result": "kept"} if fields["tool"].name == "Kid" else None,
            ["before_tool of Kid"],
            ["Root => Peer"],
            3,
        ),
        (
            "after_model",
            lambda fields: fields["llm_response"].model_copy(),
            ["after_model of Kid, Root (twice) and Peer"],
            CALLED,
            4,
        ),
        (
            "on_event",
            lambda fields: fields["event"].model_copy(),
            [],  # events are recorded as the last plugin leaves them
            CALLED,
            4,
        ),
    ],
)
async def test_any_hidden_hook_is_named_and_moves_and_calls_stay(
    tmp_path, hook, answer, hidden, moves, calls
):
    model = Scripted(
        script={"Root": [call("Kid", request="q"), transfer("Peer")], "Kid": ["k"], "Peer": ["p"]}
    )
    kid, peer = agent("Kid", model), agent("Peer", model)
    root = agent("Root", model, tools=[AgentTool(kid)], sub_agents=[peer])

    flow, findings = await found(root, ["?"], tmp_path, "hidden_hook", before=[hide(hook, answer)])

    whole = "A plugin before the recorder hid {}; list FlowPlugin first."
    assert [one.text for one in findings] == [whole.format(name) for name in hidden]
    assert [move for move in flow.control if "user" not in move] == moves
    assert len(flow.trace.turns[0].asked_models) == calls == sum(model._taken.values())


async def test_a_cached_answer_is_no_call_and_the_hook_that_gave_it_is_named(tmp_path):
    def cached(fields):
        is_kid = fields["callback_context"].agent_name == "Kid"
        return LlmResponse(content=SAID) if is_kid else None

    root = agent("Kid", Scripted(script={}))

    flow, (one,) = await found(
        root, ["?"], tmp_path, "hidden_hook", before=[hide("before_model", cached)]
    )

    assert "hid before_model of Kid;" in one.text
    assert (len(flow.trace.turns[0].asked_models), flow.trace.turns[0].finals[0].text) == (0, "no")


@pytest.mark.parametrize("hook", ["before_agent", "after_agent"])
async def test_stages_of_a_loop_run_one_after_another_whichever_hook_is_hidden(tmp_path, hook):
    model = Scripted(script={"A": ["a", "a"], "B": ["b", "b"]})
    answer = hide(hook, lambda fields: SAID if fields["agent"].name == "A" else None)
    root = LoopAgent(name="Loop", sub_agents=[agent("A", model), agent("B", model)])
    root.max_iterations = 2

    flow, _ = await found(root, ["?"], tmp_path, before=[answer])

    once = ["Loop -> A (node)", "Loop <- A", "Loop -> B (node)", "Loop <- B"]
    assert [move for move in flow.control if "user" not in move] == once * 2
