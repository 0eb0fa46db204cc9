"""What a tool is called with, however callbacks change it; the oracle is what it was given."""

from typing import Any

import pytest
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, FunctionNode, Workflow
from pydantic import BaseModel

from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent, record

GIVEN = []


class Request(BaseModel):
    """What somebody is asked."""

    request: str


def look(request: str) -> str:
    """Looks."""
    GIVEN.append(request)
    return "seen"


def graph(node_input: Any) -> str:
    GIVEN.append(getattr(node_input, "request", None) or node_input["request"])
    return "seen"


def seen(callback_context, llm_request):
    """Notes the latest words that the called agent is sent."""
    GIVEN.append(llm_request.contents[-1].parts[-1].text)


def called(kind, model) -> dict:
    if kind == "function":
        return {"tools": [look]}
    if kind == "node_tool":
        node = FunctionNode(name="node", func=graph)
        tool = Workflow(name="look", edges=[(START, node)], input_schema=Request)
        return {"tools": [tool]}
    mode = {"mode": "single_turn"} if kind == "single_turn" else {}
    other = agent("look", model, before_model_callback=seen, **mode)
    return {"sub_agents": [other]} if mode else {"tools": [AgentTool(other)]}


class Guard(BasePlugin):
    """Changes the arguments of each call."""

    async def before_tool_callback(self, *, tool, tool_args, tool_context):
        change(tool, tool_args, tool_context)


def change(tool, args, tool_context):
    """Hides a number."""
    args["request"] = args["request"].replace("42", "…")


@pytest.mark.parametrize("by", ["plugin", "callback"])
@pytest.mark.parametrize("kind", ["function", "agent_tool", "single_turn", "node_tool"])
async def test_what_callbacks_change_of_arguments_is_told_as_the_tool_was_given_it(
    kind, by, tmp_path
):
    GIVEN.clear()
    requests = [call("look", request="Of 42?"), call("look", request="Of 43?"), "done"]
    model = Scripted(script={"Root": requests, "look": ["seen", "seen"]})
    own: dict = {"before_tool_callback": change} if by == "callback" else {}
    root = agent("Root", model, **called(kind, model), **own)

    plugins = [Guard("guard")] if by == "plugin" else []
    flow = await record(root, ["?"], tmp_path, plugins=plugins)

    assert GIVEN == ["Of …?", "Of 43?"]
    (turn,) = flow.trace.turns
    words = [one.text for one in turn.tool_calls]
    assert words == ([f'{{"request":"{w}"}}' for w in GIVEN] if kind == "function" else GIVEN)
    asked = [move.text for move in turn.moves if move.kind == "ask"]
    assert asked == ([] if kind == "function" else GIVEN)
    hooks = [one.hook for one in flow.log.records]
    assert hooks.count("changed_arguments") == 1
