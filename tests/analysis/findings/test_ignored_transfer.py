"""Hand-overs that came to nothing."""

from google.adk.agents import BaseAgent
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.genai import types

from adk_flow.models.scripted import Scripted, transfer
from tests.doubles.findings import desk, found
from tests.doubles.flow import agent


class Orchestrator(BaseAgent):
    """Hands over by an event that answers no call of `transfer_to_agent`, which ADK ignores."""

    async def _run_async_impl(self, ctx):
        yield Event(
            author=self.name,
            invocation_id=ctx.invocation_id,
            content=types.ModelContent("over to Loans"),
            actions=EventActions(transfer_to_agent="Loans"),
        )


async def test_a_transfer_that_adk_ignores_is_told(tmp_path):
    loans = agent("Loans", Scripted(script={"Loans": []}))

    flow, (one,) = await found(
        Orchestrator(name="Root", sub_agents=[loans]), ["?"], tmp_path, "ignored_transfer"
    )

    assert [record.agent for record in flow.of("before_agent")] == ["Root"]
    assert one.text == "Root handed over to Loans, which never began."


async def test_of_two_transfers_at_once_the_lost_one_is_told(tmp_path):
    both = [transfer("Loans"), transfer("Funds")]
    root = desk({"Root": [both], "Loans": [], "Funds": ["yes"]})

    flow, (one,) = await found(root, ["?"], tmp_path, "ignored_transfer")

    assert [record.agent for record in flow.of("before_agent")] == ["Root", "Funds"]
    assert one.text == "Root handed over 2 times at once; only that to Funds took place."
