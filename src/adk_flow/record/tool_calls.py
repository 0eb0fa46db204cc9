"""Tool calls read into records."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from google.adk.agents.run_config import RunConfig
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.function_tool import FunctionTool
from google.adk.tools.tool_context import ToolContext

from adk_flow.log.schema import TOOL_POOL, Record, Withheld
from adk_flow.record.activations import Call, OpenRun, kind_of
from adk_flow.record.tool_entries import has_run


def read_tool_call(
    hook: str,
    tool: BaseTool,
    context: ToolContext,
    place: tuple[OpenRun, int, str],
    **fields: Any,
) -> Record:
    """Reads a hook of a tool call; what the hook alone tells comes in further fields."""
    run, activation, agent = place
    # The context itself lacks it in ADK 1.18.
    task, thread = _task_and_thread(tool, context._invocation_context.run_config)
    return Record(
        hook=hook,
        time=0,
        run=run.number,
        activation=activation,
        agent=agent,
        call=context.function_call_id or "",
        tool=tool.name,
        kind=kind_of(tool),
        task=task,
        thread=thread,
        **fields,
    )


def end_withheld(
    call: Call, context: ToolContext, hook: str, why: Withheld, *, hidden: bool = False
) -> Record:
    """Makes the end of a call of which no hook tells: its tool did not run."""
    return Record(
        hook=hook,
        time=0,
        run=call.run.number,
        activation=call.activation,
        agent=getattr(context._invocation_context.agent, "name", ""),
        call=call.id,
        tool=call.tool,
        kind=call.kind,
        withheld=why,
        hidden=hidden,
    )


def _task_and_thread(tool: object, run_config: RunConfig | None) -> tuple[str, str]:
    """Names the task and the thread that a tool call runs in.

    No hook fires in the thread itself; ADK hands a function to its pool by this rule (2.13,
    tools/_caller.py, utils/_sync_runner.py).
    """
    task = asyncio.current_task()
    is_pooled = getattr(run_config, "tool_thread_pool_config", None) is not None
    function = getattr(tool, "func", None)
    if is_pooled and isinstance(tool, FunctionTool) and not _is_async(function):
        thread = TOOL_POOL
    else:
        thread = threading.current_thread().name
    return task.get_name() if task else "", thread


def _is_async(function: object) -> bool:
    called = getattr(function, "__call__", None)  # noqa: B004 - an object may be callable async
    return iscoroutinefunction(function) or iscoroutinefunction(called)


def withheld_of(result: object, context: ToolContext, tool: object) -> Withheld:
    """Tells whether something else than a tool gave its result, see `Record.withheld`.

    ADK answers for a confirmation with an error and nothing else (2.13, tools/function_tool.py); a
    function that asks for one by itself runs.
    """
    asks_itself = not getattr(tool, "_require_confirmation", True)
    if isinstance(result, dict) and list(result) == ["error"] and not asks_itself:
        confirmation = getattr(context, "tool_confirmation", None)
        if confirmation is not None and not confirmation.confirmed:
            return "refused"
        asked = getattr(context.actions, "requested_tool_confirmations", None) or {}
        if confirmation is None and context.function_call_id in asked:
            return "asked"
    return "" if has_run(context) else "answered"


def failure_of(result: object, tool: object, keep: Callable[[str], str]) -> str:
    """Reads the error that an MCP tool gives as its result (2.13, tools/mcp_tool/mcp_tool.py)."""
    if not (
        isinstance(result, dict) and any(kind.__name__ == "McpTool" for kind in type(tool).__mro__)
    ):
        return ""
    words = result.get("error", "")
    if result.get("isError"):
        parts = result.get("content") or ()
        words = "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
    return f"McpError: {keep(str(words))}" if words or result.get("isError") else ""
