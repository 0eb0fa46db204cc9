"""Two ways to make an agent a tool of another: on the caller's event loop, or in a thread.

Either way a child that raises, or that gives no answer in time, comes back as an error that the
caller's model reads, and its siblings go on; plain ADK ends the whole run (2.13).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import Any, Literal

from google.adk.agents import LlmAgent
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.tool_context import ToolContext

Wrapper = Literal["async", "sync"]
"""`async`: an AgentTool on the event loop; `sync`: a plain function with a loop of its own."""

PATIENCE = 120.0
"""Seconds that a child may take. On an event loop code that blocks is not interrupted."""


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
            return self.late
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return {"error": f"{self.name} failed: {reason}"}

    @property
    def late(self) -> dict[str, str]:
        """The answer in place of one that takes too long."""
        return {"error": f"{self.name} gave no answer within {self.patience:g} seconds"}


def _in_thread(tool: _CarefulAgentTool) -> Callable[..., Any]:
    """Makes a plain function of a tool, which ADK calls in a tool thread if the run has any."""

    def ask(request: str, tool_context: ToolContext) -> Any:
        answer: Future[Any] = Future()

        def run() -> None:
            try:
                asked = tool.run_async(args={"request": request}, tool_context=tool_context)
                answer.set_result(asyncio.run(asked))
            except BaseException as error:
                answer.set_exception(error)

        # A thread cannot be stopped. One that is no daemon, as any executor's, would also hold the
        # end of the process.
        Thread(target=copy_context().run, args=(run,), name=tool.name, daemon=True).start()
        try:
            return answer.result(timeout=tool.patience)
        except TimeoutError:
            return tool.late

    ask.__name__, ask.__doc__ = tool.name, tool.description
    return ask
