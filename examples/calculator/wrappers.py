"""Two ways to make an agent a tool of another: on the caller's event loop, or in a thread.

Either way a child that raises, or that gives no answer in time, comes back as an error that the
caller's model reads, and its siblings go on; plain ADK ends the whole run (2.13).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Literal

from google.adk.agents import LlmAgent
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.tool_context import ToolContext

Wrapper = Literal["async", "sync"]
"""`async`: an AgentTool on the event loop; `sync`: a plain function with a loop of its own."""

PATIENCE = 120.0
"""Seconds that a child may take."""


def wrapped(
    agent: LlmAgent, wrapper: Wrapper = "async", patience: float = PATIENCE
) -> AgentTool | Callable[..., Any]:
    """Makes an agent a tool."""
    tool = _CarefulAgentTool(agent, patience)
    return tool if wrapper == "async" else _in_thread(tool)


class _CarefulAgentTool(AgentTool):
    """Calls an agent; whatever goes wrong with it is the answer."""

    def __init__(self, agent: LlmAgent, patience: float) -> None:
        super().__init__(agent)
        self.patience = patience

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        """Runs the agent until it answers, raises, or takes too long."""
        try:
            async with asyncio.timeout(self.patience):
                return await super().run_async(args=args, tool_context=tool_context)
        except TimeoutError:
            return {"error": f"{self.name} gave no answer within {self.patience:g} seconds"}
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return {"error": f"{self.name} failed: {reason}"}


def _in_thread(tool: AgentTool) -> Callable[..., Any]:
    """Makes a plain function of a tool, which ADK runs in a worker thread if the run has a pool."""

    def ask(request: str, tool_context: ToolContext) -> Any:
        def run() -> Any:
            return asyncio.run(tool.run_async(args={"request": request}, tool_context=tool_context))

        if not _has_loop():
            return run()
        # Called on an event loop, where no other can run; the loop waits meanwhile.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(copy_context().run, run).result()

    ask.__name__, ask.__doc__ = tool.name, tool.description
    return ask


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
