"""An import of ADK's that cannot succeed, and is tried at each run of a node."""

from __future__ import annotations

import importlib.util
import sys

_REMOTE = "google.adk.agents.remote_a2a_agent"


def spare_failing_import() -> None:
    """Makes an import that cannot succeed fail at once.

    Without the package a2a, ADK looks for it on disk again at each run of a node (2.13,
    workflow/utils/_workflow_graph_utils.py).
    """
    if importlib.util.find_spec("a2a") is None:
        # None is import's own mark for a module that is not there.
        sys.modules.setdefault(_REMOTE, None)  # pyright: ignore[reportArgumentType]


def heed_failing_import() -> None:
    """Lets that import fail of itself again, so that its message names the package that lacks."""
    if _REMOTE in sys.modules and sys.modules[_REMOTE] is None:
        del sys.modules[_REMOTE]
