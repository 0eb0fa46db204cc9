"""`adk-flow mcp`: the instrument as tools of coding agents."""

from __future__ import annotations

from adk_flow.errors import AdkFlowError


def serve_tools() -> None:
    """Serves `inspect`, `plan`, `compare` and `check` as tools of coding agents (MCP, over stdio).

    A coding agent starts it in the folder of its project. Needs the extra `mcp`.
    """
    try:
        from adk_flow.cli.mcp_tools import make_server
    except ImportError as error:
        needed = "needs the SDK of MCP, 2 or newer: install adk-flow's extra `mcp`"
        raise AdkFlowError(f"mcp {needed} ({error})") from error
    make_server().run("stdio")
