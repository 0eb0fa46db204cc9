"""Tools of a real MCP server, in a process of its own: errors that ADK gives as results."""

import sys
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.models.llm_request import LlmRequest
from google.genai import types

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.mcp_sessions import watch_sessions
from tests.doubles.flow import record

pytest.importorskip("mcp.server.mcpserver", reason="needs mcp 2")

from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams
from google.adk.tools.mcp_tool.mcp_toolset import McpToolset
from mcp import StdioServerParameters
from mcp_types import CreateMessageResult, TextContent

SERVER = '''
import os
import mcp_types
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("far")

@server.tool()
def look(what: str) -> str:
    """Looks."""
    return "there is " + what

@server.tool()
def fail(what: str) -> str:
    """Fails."""
    raise ValueError("out of order")

@server.tool()
async def ask(what: str, context: Context) -> str:
    """Asks the client's model."""
    words = mcp_types.TextContent(type="text", text=what)
    message = mcp_types.SamplingMessage(role="user", content=words)
    asked = await context.session.create_message(messages=[message], max_tokens=9)
    return asked.content.text

@server.tool()
def die(what: str) -> str:
    """Dies, and the server with it."""
    os._exit(3)

server.run("stdio")
'''


def toolset(folder, **options):
    """The tools of the server, in a process of its own."""
    file = folder / "server.py"
    file.write_text(SERVER)
    started = StdioServerParameters(command=sys.executable, args=[str(file)])
    params = StdioConnectionParams(server_params=started, timeout=60)
    return McpToolset(connection_params=params, **options)


async def test_a_model_that_the_server_asks_counts_in_the_call_in_any_turn(tmp_path):
    """The server's questions are read in a task that began in the first turn."""
    asked = Scripted(script={"": ["Mild.", "Wet.", "Cold."]})

    async def sample(context, params):
        content = types.UserContent(params.messages[0].content.text)
        request = LlmRequest(model="asked", contents=[content])
        (answer,) = [each async for each in asked.generate_content_async(request)]
        words = TextContent(type="text", text=str(answer.content.parts[0].text))
        return CreateMessageResult(role="assistant", content=words, model="asked")

    script = [call("look", what="a"), "Yes?", call("ask", what="b"), "Mild."]
    script += [[call("ask", what="c"), call("ask", what="d")], "Wet and cold."]
    root = LlmAgent(
        name="Root",
        model=Scripted(script={"Root": script}),
        tools=[toolset(tmp_path, sampling_callback=sample)],
    )

    flow = await record(root, ["Look.", "Ask.", "And again?"], tmp_path)

    assert [turn.llm_calls for turn in measure(flow.trace)] == [2, 2 + 1, 2 + 2]
    calls = [call for turn in flow.trace.turns for call in turn.model_calls if call.within]
    tools = {tool.id: tool.name for turn in flow.trace.turns for tool in turn.tool_runs}
    assert [tools[call.within] for call in calls] == ["ask"] * 3
    asked.finish()


async def test_an_mcp_tool_that_fails_and_a_server_that_dies_are_failed_calls(tmp_path):
    made = [call("look", what="a"), call("fail", what="b"), call("die", what="c")]
    model = Scripted(script={"Root": [*made, "done"]})

    root = LlmAgent(name="Root", model=model, tools=[toolset(tmp_path)])
    flow = await record(root, ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    told = [(tool.name, tool.failed, tool.error) for tool in flow.trace.turns[0].tool_runs]
    assert told == [
        ("look", False, ""),
        ("fail", True, "McpError: Error executing tool fail"),
        ("die", True, "McpError: MCP tool execution failed: Connection closed"),
    ]
    assert (turn.tool_calls, turn.answer, turn.failed) == (3, "done", False)


async def test_an_mcp_session_that_can_be_no_key_works_as_ever():
    class Session:
        __slots__ = ()
        __hash__: Any = None

        async def call_tool(self):
            return "done"

    watch_sessions(Session)

    assert await Session().call_tool() == "done"
