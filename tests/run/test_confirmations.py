"""Confirmations that are given, refused or filled in: a tool call is one that really ran."""

from itertools import product

import pytest
from google.adk.apps.app import ResumabilityConfig
from google.adk.tools import FunctionTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, record


def tools(ran):
    def pay(what: str) -> str:
        """Pays, once ADK was told that it may."""
        ran.append("pay")
        return "paid"

    def sign(what: str, tool_context: ToolContext) -> dict[str, str]:
        """Asks by itself, and says in its own words what came of it."""
        ran.append("sign")
        answer = tool_context.tool_confirmation
        if answer is None:
            tool_context.request_confirmation(hint="Sign?", payload={"name": ""})
            return {"error": "not yet"}
        return {"signed": answer.payload["name"]} if answer.confirmed else {"error": "refused"}

    return {"pay": FunctionTool(pay, require_confirmation=True), "sign": FunctionTool(sign)}


def one(name, tool, model):
    model.script["Clerk"] = [call(name, what="5"), "Done.", "Once more."]
    return agent("Clerk", model, tools=[tool])


def handed(name, tool, model):
    model.script["Lead"] = [transfer("Clerk")]
    return agent("Lead", model, sub_agents=[one(name, tool, model)])


def called(name, tool, model):
    model.script["Lead"] = [call("Clerk", request="Go."), "Led.", "Once more."]
    clerk = one(name, tool, model)
    clerk.mode = "single_turn"
    return agent("Lead", model, sub_agents=[clerk])


def answered(confirmed):
    def say(events):
        calls = [asked for event in events for asked in event.get_function_calls()]
        (asked,) = [asked for asked in calls if asked.name == "adk_request_confirmation"]
        response = {"confirmed": confirmed, "payload": {"name": "Ann"}}
        answer = types.FunctionResponse(id=asked.id, name=asked.name, response=response)
        return types.Content(role="user", parts=[types.Part(function_response=answer)])

    return say


CASES = list(product((one, handed, called), ("pay", "sign"), (True, False), (True, False)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("grow", "name", "confirmed", "resumable"), CASES)
async def test_the_functions_told_are_those_that_ran(grow, name, confirmed, resumable, tmp_path):
    ran: list[str] = []
    root = grow(name, tools(ran)[name], Scripted())
    config = ResumabilityConfig(is_resumable=True) if resumable else None
    says = ["Go.", answered(confirmed)]

    flow = await record(root, says, tmp_path, resumability_config=config)

    first, second = flow.figures
    assert [tool for turn in flow.figures for tool in turn.tools] == ran
    assert first.waits_for == ["Clerk"] and not first.answered_by
    assert not second.waits_for and second.answered_by
    assert not flow.errors
