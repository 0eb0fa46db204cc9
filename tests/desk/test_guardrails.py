"""What the desk's before/after callbacks keep from happening."""

import asyncio
import threading

from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call, transfer
from callbacks.guardrails import Guardrails
from callbacks.guidance_notice import NOTICE, GuidanceNotice
from callbacks.tool_threads import ToolThreads
from tests.doubles.flow import agent, expected, record


def family(model):
    return agent("Root", model, sub_agents=[agent("Left", model), agent("Right", model)])


async def test_a_transfer_to_nobody_can_be_mended_by_the_model(tmp_path):
    model = Scripted(script={"Root": [transfer("Lift"), transfer("Left")], "Left": ["Here."]})

    flow = await record(family(model), ["?"], tmp_path, plugins=[Guardrails()], model=model)

    assert flow.errors == []
    assert flow.picture == expected("""
        start user to Root
        user say Root "?"
        Root => Left
        Left reply user "Here."
        end Left to user
    """)
    told = [r.text for r in flow.log.records if r.hook == "after_tool"] + list(
        flow.log.texts.values()
    )
    assert any("no agent 'Lift' to transfer to; use Left or Right" in text for text in told)


async def test_endless_passing_to_and_fro_ends_in_an_answer(tmp_path):
    model = Scripted(
        script={
            "Root": [transfer("Left")],
            "Left": [transfer("Right")] * 99,
            "Right": [transfer("Left")] * 99,
        }
    )

    flow = await record(family(model), ["?"], tmp_path, plugins=[Guardrails(max_transfers=4)])

    (turn,) = measure(flow.trace)
    assert flow.errors == []
    assert turn.llm_calls == 5
    assert "passed between the desk's specialists" in turn.finals[-1].text


async def test_endless_wrong_names_end_in_an_answer_too(tmp_path):
    model = Scripted(script={"Root": [transfer("Lift")] * 99})

    flow = await record(family(model), ["?"], tmp_path, plugins=[Guardrails(max_transfers=4)])

    (turn,) = measure(flow.trace)
    assert (turn.llm_calls, turn.failed) == (5, False)


async def test_an_over_long_message_is_refused_and_kept_out_of_the_conversation(tmp_path):
    model = Scripted(script={"Root": ["Fine."]})

    flow = await record(
        agent("Root", model), ["x" * 9000, "short"], tmp_path, plugins=[Guardrails()], model=model
    )

    refused, answered = measure(flow.trace)
    assert refused.llm_calls == 0
    assert "too long for the desk, which reads up to 8,000 characters" in refused.answer
    assert refused.answered_by == "Root"
    assert answered.answer == "Fine."
    sent = next(r.request for r in flow.log.records if r.request)
    assert not any("xxx" in flow.log.texts[part.text] for part in sent.parts)


async def test_the_notice_is_given_once_and_never_by_a_called_agent(tmp_path):
    model = Scripted(
        script={"Root_Agent": [call("Loans", request="x"), "one", "two"], "Loans": ["loan"]}
    )
    root = agent("Root_Agent", model, tools=[AgentTool(agent("Loans", model))])

    flow = await record(root, ["a", "b"], tmp_path, plugins=[GuidanceNotice()], model=model)

    words = [move.text for move in flow.moves if move.kind in ("answer", "reply")]
    assert words == ["loan", f"one\n\n{NOTICE}", "two"]


async def test_the_desks_sync_tools_leave_the_event_loop_free(tmp_path):
    """Two tools wait for each other: on one thread they would wait for ever."""
    meeting = threading.Barrier(2, timeout=30)

    def meet(n: int) -> dict:
        """Meets."""
        meeting.wait()
        return {"thread": threading.current_thread() is threading.main_thread()}

    model = Scripted(script={"Root": [[call("meet", n=1), call("meet", n=2)], "met"]})

    async with asyncio.timeout(60):
        flow = await record(
            agent("Root", model, tools=[meet]), ["?"], tmp_path, plugins=[ToolThreads()]
        )

    results = [r.text for r in flow.log.records if r.hook == "after_tool"]
    assert results == ['{"thread":false}'] * 2
