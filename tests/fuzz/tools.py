"""Functions and agent tools of random trees, which keep books of when they really run."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from google.adk.tools import FunctionTool, LongRunningFunctionTool
from google.adk.tools._node_tool import NodeTool
from google.adk.tools.agent_tool import AgentTool, _SingleTurnAgentTool
from google.adk.tools.tool_context import ToolContext

from tests.fuzz.books import AgentRun, current, note_side


async def look(what: str, tool_context: ToolContext) -> dict[str, str]:
    """Looks something up, which takes time."""
    await _note("look", tool_context, current.get().dice.randint(1, 4) / 8)
    return {"result": f"{what} is there"}


async def count(what: str, tool_context: ToolContext) -> dict[str, int]:
    """Counts something at once."""
    await _note("count", tool_context)
    return {"number": len(what)}


async def stumble(what: str, tool_context: ToolContext) -> dict[str, str]:
    """Fails now and then."""
    await _note("stumble", tool_context, 0.125)
    if current.get().chance(0.3):
        raise RuntimeError(f"stumbled over {what}")
    return {"result": "made it"}


async def stop(tool_context: ToolContext) -> dict[str, str]:
    """Ends the loop around its agent."""
    await _note("stop", tool_context)
    tool_context.actions.escalate = tool_context.actions.skip_summarization = True
    return {}


async def pay(what: str, tool_context: ToolContext) -> dict[str, str]:
    """Pays, once that is confirmed."""
    await _note("pay", tool_context, 0.25)
    return {"result": "paid"}


async def ship(what: str, tool_context: ToolContext) -> dict[str, str] | None:
    """Ships something, which is told later."""
    await _note("ship", tool_context, 0.25)
    return {"status": "on its way"} if current.get().chance(0.4) else None


async def _note(name: str, context: ToolContext, seconds: float = 0) -> None:
    books = current.get()
    books.functions.append((books.turn, context.agent_name, name))
    await asyncio.sleep(seconds)


PLAIN = (look, count)
PAUSING = (FunctionTool(pay, require_confirmation=True), LongRunningFunctionTool(ship))


class NotedAgentTool(AgentTool):
    """Notes what comes of each run."""

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        note_side(self.name, tool_context)
        books = current.get()
        run = AgentRun(books.turn, self.name)
        books.agent_runs.append(run)
        result = await super().run_async(args=args, tool_context=tool_context)
        run.failed = False
        return result


def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def run_async(tool: Any, *, args: Any, tool_context: Any) -> Any:
        if current.get(None):
            note_side(tool.name, tool_context)
        return await method(tool, args=args, tool_context=tool_context)

    return run_async


for kind in (_SingleTurnAgentTool, NodeTool):
    kind.run_async = _noting(kind.run_async)
