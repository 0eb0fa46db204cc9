"""A process with a recorder whose tool hangs, for somebody to end it."""

import asyncio
import json
import signal
import sys

from adk_flow.record.plugin import FlowPlugin
from tests.faults.cells import Cell
from tests.faults.faults import Fault


class Waiting(Fault):
    """Says how far it came, and never ends."""

    async def hang(self) -> None:
        print(json.dumps({"hooks": cell.held.probe.hooks, "asked": cell.model._asked}), flush=True)
        await asyncio.Event().wait()


# A shell that runs this in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
construct, folder = sys.argv[1:]
cell = Cell(Waiting("hangs", "process", tool="hangs"), construct, FlowPlugin(directory=folder))
asyncio.run(cell.hold())
