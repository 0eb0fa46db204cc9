"""What adk-flow needs of the installed release of ADK."""

from __future__ import annotations

from google.adk.version import __version__ as installed

from adk_flow.errors import AdkFlowError

try:
    from google.adk.workflow import BaseNode, Workflow
except ImportError:  # ADK 1 has agents, and no graphs of them
    from google.adk.agents.base_agent import BaseAgent as BaseNode

    Workflow = ()

__all__ = ["OLDEST_WITH_CONSTRUCTS", "BaseNode", "Workflow", "check_constructs"]

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
