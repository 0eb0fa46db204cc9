"""Stages that never began, calls still open, functions that failed."""

from contextlib import aclosing
from typing import Any

import pytest
from google.adk.agents import SequentialAgent
from google.adk.apps import App
from google.adk.apps.app import ResumabilityConfig
from google.adk.plugins import ReflectAndRetryToolPlugin
from google.adk.runners import InMemoryRunner
from google.adk.tools import FunctionTool, LongRunningFunctionTool
from google.genai import types

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.findings import found
from tests.doubles.flow import agent


def pay(amount: int) -> str:
    """Pays."""
    return f"paid {amount}"


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_stage_that_a_pause_kept_from_beginning_is_told_with_the_reason(
    tmp_path, resumable
):
    tool = FunctionTool(pay, require_confirmation=True)
    model = Scripted(script={"First": [call("pay", amount=5)], "Second": []})
    stages: list[Any] = [agent("First", model, tools=[tool]), agent("Second", model)]
    root = SequentialAgent(name="Stages", sub_agents=stages)
    config = ResumabilityConfig(is_resumable=resumable)

    _, told = await found(root, ["?"], tmp_path, resumability_config=config)

    never = (
        "Second, a stage of Stages, never began: adk_request_confirmation of First paused, "
        "and the app cannot resume."
    )
    still = "adk_request_confirmation of First is still waited for at the end of the log."
    assert [one.text for one in told] == ([still] if resumable else [never, still])


async def test_a_stage_that_the_caller_did_not_wait_for_is_told(tmp_path):
    model = Scripted(script={"First": ["a"], "Second": ["b"]})
    root = SequentialAgent(
        name="Stages", sub_agents=[agent("First", model), agent("Second", model)]
    )
    plugin = FlowPlugin(directory=tmp_path)
    runner = InMemoryRunner(app=App(name="app", root_agent=root, plugins=[plugin]))
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    message = types.UserContent("?")
    async with aclosing(
        runner.run_async(user_id="u", session_id="s", new_message=message)
    ) as events:
        async for event in events:
            if event.is_final_response():
                break
    await runner.close()

    (one,) = detect_findings(read_trace(plugin.paths[0]))

    assert one.text == "Second, a stage of Stages, never began: the caller stopped listening."


@pytest.mark.parametrize("answered", [True, False])
async def test_a_long_running_call_that_nobody_answered_is_told(tmp_path, answered):
    def book(day: str) -> dict[str, str]:
        """Books."""
        return {"status": "pending"}

    def reply(events):
        id = next(part.function_call.id for part in events[0].content.parts if part.function_call)
        result = types.FunctionResponse(id=id, name="book", response={"status": "done"})
        return types.Content(role="user", parts=[types.Part(function_response=result)])

    script = {"Root": [call("book", day="Monday"), "I asked.", "Well."]}
    root = agent("Root", Scripted(script=script), tools=[LongRunningFunctionTool(book)])
    questions: Any = ["?", reply if answered else "And?"]

    _, told = await found(root, questions, tmp_path, "open_call")

    still = "book of Root is still waited for at the end of the log."
    assert [(one.turn, one.text) for one in told] == ([] if answered else [(1, still)])


@pytest.mark.parametrize("place", ["before", "plugins"])
@pytest.mark.parametrize(
    ("faults", "text"),
    [
        (1, "rate of Root failed once in 2 calls, with success in the end."),
        (2, "rate of Root failed twice in 2 calls, in vain."),
    ],
)
async def test_a_function_that_failed_is_told_with_how_often(tmp_path, place, faults, text):
    left = [ValueError("down")] * faults

    def rate() -> str:
        """Looks a rate up."""
        if left:
            raise left.pop()
        return "5%"

    root = agent(
        "Root", Scripted(script={"Root": [call("rate"), call("rate"), "5%"]}), tools=[rate]
    )
    retry = ReflectAndRetryToolPlugin(max_retries=3)

    _, (one,) = await found(root, ["?"], tmp_path, "failed_tool", **{place: [retry]})

    assert one.text == text
