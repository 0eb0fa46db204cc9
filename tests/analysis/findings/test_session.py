"""What ended an answer, a loop, or earlier turns of a session."""

from typing import Any

import pytest
from google.adk.agents import BaseAgent, LoopAgent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import exit_loop
from google.genai import types

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.findings import found, hooks
from tests.doubles.flow import agent


async def test_an_answer_that_its_model_cut_is_told_with_the_reason(tmp_path):
    class Cut(Scripted):
        async def generate_content_async(self, llm_request, stream=False):
            async for response in super().generate_content_async(llm_request, stream):
                yield response.model_copy(update={"finish_reason": reasons.pop(0)})

    reasons = [types.FinishReason.STOP, types.FinishReason.MAX_TOKENS]
    root = agent("Root", Cut(script={"Root": ["whole", "cut o"]}))

    flow, (one,) = await found(root, ["?", "?"], tmp_path, "cut_answer")

    assert (one.turn, one.level) == (2, "serious")
    assert one.text == "The model of Root stopped before it was done: MAX_TOKENS."
    assert hooks(flow, one) == ["before_model:Root", "after_model:Root"]


async def test_who_ended_a_loop_is_told(tmp_path):
    model = Scripted(script={"Writer": ["a", "b"], "Critic": ["no", call("exit_loop")]})
    stages: list[BaseAgent] = [agent("Writer", model), agent("Critic", model, tools=[exit_loop])]

    flow, (one,) = await found(
        LoopAgent(name="Loop", sub_agents=stages), ["?"], tmp_path, "ended_loop"
    )

    assert one.text == "Critic ended the loop that it is in."
    assert hooks(flow, one) == ["event:Critic"]


@pytest.fixture
def hold(tmp_path):
    """Holds turns in one session of an app; rewinds to before the turn that a number names."""

    async def turns(*steps: str | int, **options: Any) -> list[str]:
        plugin = FlowPlugin(directory=tmp_path)
        root = agent("Root", Scripted(script={"Root": [f"{n}" for n in range(len(steps))]}))
        runner = Runner(
            app=App(name="app", root_agent=root, plugins=[plugin], **options),
            session_service=InMemorySessionService(),
        )
        place: Any = {"user_id": "u", "session_id": "s"}
        await runner.session_service.create_session(app_name="app", **place)
        invocations: list[str] = []
        for step in steps:
            if isinstance(step, int):
                await runner.rewind_async(
                    **place, rewind_before_invocation_id=invocations[step - 1]
                )
                continue
            message = types.UserContent(step)
            events = [event async for event in runner.run_async(**place, new_message=message)]
            invocations.append(events[0].invocation_id)
        await runner.close()
        findings = detect_findings(read_trace(plugin.paths[0]))
        return [f"{one.turn}: {one.text}" for one in findings]

    return turns


async def test_turns_that_were_taken_back_are_named(hold):
    assert await hold("a", "b", "c", 2, "d") == [
        "4: The session was taken back to before turns 2 to 3."
    ]


async def test_turns_that_a_summary_replaced_are_named(hold):
    summarizer = LlmEventSummarizer(llm=Scripted(script={"": ["short", "shorter"]}))
    config = EventsCompactionConfig(compaction_interval=2, overlap_size=0, summarizer=summarizer)

    told = await hold("a", "b", "c", "d", "e", events_compaction_config=config)

    assert told == ["3: A summary replaced turns 1 to 2.", "5: A summary replaced turns 3 to 4."]
