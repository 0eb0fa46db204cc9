"""An app that does one after the other what it would do at once: the plain form to compare with."""

from __future__ import annotations

import asyncio
from typing import Any

from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.tool_context import ToolContext
from google.adk.workflow import Workflow


def make_serial(app: App) -> App:
    """Copies an app so that its graph runs a node at a time, and its agents a call at a time.

    A graph within a graph keeps its own limit.
    """
    root = app.root_agent
    if isinstance(root, Workflow):
        root = root.model_copy(update={"max_concurrency": 1})
    return app.model_copy(update={"root_agent": root, "plugins": [*app.plugins, SerialCalls()]})


class SerialCalls(BasePlugin):
    """Lets each agent's function calls run one after the other, in the order they were asked."""

    def __init__(self) -> None:
        super().__init__(name="one_by_one")
        self._turns: dict[tuple[str, str, str], asyncio.Lock] = {}

    async def before_tool_callback(self, *, tool_context: ToolContext, **hook: Any) -> None:
        """Waits until the agent's call before has come back."""
        await self._turn(tool_context).acquire()

    async def after_tool_callback(self, *, tool_context: ToolContext, **hook: Any) -> None:
        """Lets the next call run; of an error made a result ADK tells twice."""
        lock = self._turn(tool_context)
        if lock.locked():
            lock.release()

    on_tool_error_callback = after_tool_callback

    def _turn(self, context: ToolContext) -> asyncio.Lock:
        invocation = context._invocation_context
        place = (invocation.invocation_id, invocation.branch or "", context.agent_name)
        return self._turns.setdefault(place, asyncio.Lock())
