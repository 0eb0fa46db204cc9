"""Errors that end runs and agents, of which ADK before 2.5 tells by no hook."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.errors import passes_on

Hearer = Callable[..., Awaitable[None]]
_begun: ContextVar[list[Hearer]] = ContextVar("adk_flow_begun")
"""Who is told with which error the run or agent ends that begins in this context."""


def is_hookless(hook: str) -> bool:
    """Whether ADK has no hook of an error."""
    return not hasattr(BasePlugin, f"on_{hook}_callback")


@functools.cache
def watch_errors() -> None:
    """Has errors told that end runs and agents, for which ADK has hooks from 2.5 on."""
    if is_hookless("run_error"):
        from google.adk.runners import Runner

        for kind in (Runner, BaseAgent):
            for name in ("run_async", "run_live"):
                setattr(kind, name, _telling(getattr(kind, name)))


def hear_error(tell: Hearer, **of: Any) -> None:
    """Has a hook, which must not raise, told with which error what begins here ends."""
    if (begun := _begun.get(None)) is not None:
        begun.append(functools.partial(tell, **of))


def _telling(method: Callable[..., AsyncGenerator[Event, None]]) -> Callable[..., Any]:
    @functools.wraps(method)
    @passes_on
    async def run(*args: Any, **named: Any) -> AsyncGenerator[Event, None]:
        begun: list[Hearer] = []
        _begun.set(begun)
        try:
            async with aclosing(method(*args, **named)) as events:
                async for event in events:
                    yield event
        except Exception as error:
            for tell in begun:
                await tell(error=error)
            raise

    return run
