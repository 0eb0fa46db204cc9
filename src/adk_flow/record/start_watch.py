"""The page of flows, started beside the app that is recorded, in a process of its own."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

_logger = logging.getLogger(__name__)
_pages: dict[Path, subprocess.Popen[bytes]] = {}
"""One a folder; each ends with this process, which holds its stdin open."""


def start_page(folder: Path) -> None:
    """Starts the page of a folder, which prints its address on stderr; a second call does nothing.

    That it cannot be started is logged, and never reaches the app.
    """
    folder = folder.resolve()
    if folder in _pages:
        return
    command = [sys.executable, "-m", "adk_flow.watch.server", str(folder)]
    try:
        # Of a session of its own, as a terminal sends Ctrl-C to all that are in the app's.
        page = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    except (OSError, TypeError) as error:
        _logger.warning("adk-flow could not show flows: %s", error)
        return
    _pages[folder] = page
