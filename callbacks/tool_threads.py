"""Runs the desk's synchronous tools in worker threads, so that they never block the event loop."""

from google.adk.agents.invocation_context import InvocationContext
from google.adk.agents.run_config import RunConfig
from google.adk.plugins.base_plugin import BasePlugin

try:
    from google.adk.agents.run_config import ToolThreadPoolConfig
except ImportError:  # ADK 1.18 runs every tool on the event loop.
    ToolThreadPoolConfig = None

WORKERS = 8


class ToolThreads(BasePlugin):
    """Gives each run a `RunConfig` with a tool thread pool.

    Neither `adk run` nor `adk web` lets an app set its RunConfig (2.13, cli/cli.py), so it is set
    where the run begins; an AgentTool's nested run inherits it.
    """

    def __init__(self) -> None:
        super().__init__(name="tool_threads")

    async def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Adds the pool to a run that has none."""
        if ToolThreadPoolConfig is None:
            return
        run_config = invocation_context.run_config or RunConfig()
        if run_config.tool_thread_pool_config is None:
            pool = ToolThreadPoolConfig(max_workers=WORKERS)
            invocation_context.run_config = run_config.model_copy(
                update={"tool_thread_pool_config": pool}
            )
