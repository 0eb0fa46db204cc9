"""The page in a process beside an app, which ends when the app does: `FlowPlugin(watch=True)`."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from adk_flow.watch.server import serve


def serve_beside() -> None:
    """Serves the folder that is named until stdin ends, which the app holds open."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(Path(sys.argv[1]), _announce))


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _announce(address: str) -> None:
    print(f"adk-flow: flows are shown at {address}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    serve_beside()
