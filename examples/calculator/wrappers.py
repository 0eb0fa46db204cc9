"""Two ways to make an agent a tool of another: on the caller's event loop, or in a thread.

Either way a child that raises, or gives no answer in time, comes back as an error that the caller's
model reads, and its siblings go on; with a plain AgentTool the whole run ends (2.13).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.agents.run_config import RunConfig, ToolThreadPoolConfig
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.tool_context import ToolContext

Wrapper = Literal["async", "sync"]
"""`async`: an AgentTool on the event loop; `sync`: a function in a thread with its own loop."""
PATIENCE = 120.0  # seconds that a child may take; code that blocks is not interrupted


class ToolThreads(BasePlugin):
    """Runs synchronous tools in threads, and not on the event loop as ADK does of itself."""

    async def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Adds a thread pool to the run."""
        pool = {"tool_thread_pool_config": ToolThreadPoolConfig(max_workers=8)}
        config = invocation_context.run_config or RunConfig()
        invocation_context.run_config = config.model_copy(update=pool)


class CarefulAgentTool(AgentTool):
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
            return {"error": f"{self.name} failed: {' '.join(str(error).split()) or repr(error)}"}


def wrapped(
    agent: LlmAgent, wrapper: Wrapper = "async", patience: float = PATIENCE
) -> AgentTool | Callable[..., Any]:
    """Makes an agent a tool."""
    tool = CarefulAgentTool(agent, patience)
    return tool if wrapper == "async" else _blocking(tool)


def _blocking(tool: CarefulAgentTool) -> Callable[..., Any]:
    def ask(request: str, tool_context: ToolContext) -> Any:
        # ADK calls it in a thread that has no event loop (`ToolThreads`), so that it can have one.
        return asyncio.run(tool.run_async(args={"request": request}, tool_context=tool_context))

    ask.__name__, ask.__doc__ = tool.name, tool.description
    return ask
