"""What differs between releases of ADK, and what an ADK process can be spared."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext

from google.adk.version import __version__ as installed

from adk_flow.errors import AdkFlowError

try:
    from google.adk.workflow import BaseNode, Workflow
except ImportError:  # ADK 1 has agents, and no graphs of them
    from google.adk.agents.base_agent import BaseAgent as BaseNode

    Workflow = ()

__all__ = [
    "OLDEST_WITH_CONSTRUCTS",
    "BaseNode",
    "Workflow",
    "check_constructs",
    "keep_what_is_loaded",
    "tools_inline",
]

OLDEST_WITH_CONSTRUCTS = (2, 4)
"""Before it, ADK has no graphs (1.x), or none that are an agent's tool (2.0 to 2.3)."""


def check_constructs() -> None:
    """Checks that agents can be rewired.

    Raises:
      AdkFlowError: the installed ADK is too old.
    """
    major, minor, *_ = installed.split(".")
    if (int(major), int(minor)) < OLDEST_WITH_CONSTRUCTS:
        raise AdkFlowError(
            f"rewiring needs google-adk {'.'.join(map(str, OLDEST_WITH_CONSTRUCTS))} or newer, and "
            f"{installed} is installed; run, show, check and `compare LOG LOG` work with it"
        )


def keep_what_is_loaded() -> None:
    """Takes all that is loaded out of garbage collection, which would walk it in mid-turn."""
    gc.collect()
    gc.freeze()


def tools_inline() -> AbstractContextManager[None]:
    """Has synchronous tools and nodes run where they are called, whatever threads they may use.

    Threads would decide in which order they end (2.13, utils/_sync_runner.py).
    """
    try:
        from google.adk.utils._sync_runner import _use_sync_callable_runner
    except ImportError:  # earlier releases hand tools to threads otherwise
        return nullcontext()
    return _use_sync_callable_runner(None)
