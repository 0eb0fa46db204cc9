"""Tools of a real MCP server, in a process of its own: errors that ADK gives as results."""

import sys

import pytest
from google.adk.agents import LlmAgent

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import record

pytest.importorskip("mcp.server.mcpserver", reason="needs mcp 2")

from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams
from google.adk.tools.mcp_tool.mcp_toolset import McpToolset
from mcp import StdioServerParameters

SERVER = '''
import os
from mcp.server.mcpserver import MCPServer

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
def die(what: str) -> str:
    """Dies, and the server with it."""
    os._exit(3)

server.run("stdio")
'''


async def test_an_mcp_tool_that_fails_and_a_server_that_dies_are_failed_calls(tmp_path):
    file = tmp_path / "server.py"
    file.write_text(SERVER)
    started = StdioServerParameters(command=sys.executable, args=[str(file)])
    tools = McpToolset(connection_params=StdioConnectionParams(server_params=started, timeout=60))
    made = [call("look", what="a"), call("fail", what="b"), call("die", what="c")]
    model = Scripted(script={"Root": [*made, "done"]})

    flow = await record(LlmAgent(name="Root", model=model, tools=[tools]), ["Go."], tmp_path)

    (turn,) = measure(flow.trace)
    told = [(tool.name, tool.failed, tool.error) for tool in flow.trace.turns[0].tool_runs]
    assert told == [
        ("look", False, ""),
        ("fail", True, "McpError: Error executing tool fail"),
        ("die", True, "McpError: MCP tool execution failed: Connection closed"),
    ]
    assert (turn.tool_calls, turn.answer, turn.failed) == (3, "done", False)
