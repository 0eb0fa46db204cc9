"""A process with a recorder whose tool hangs, for somebody to end it."""

import asyncio
import json
import sys

from adk_flow.record.plugin import FlowPlugin
from tests.faults.cells import Cell
from tests.faults.faults import Fault


class Waiting(Fault):
    """Says how far it came, and never ends."""

    cell: Cell

    async def hang(self) -> None:
        books = {"hooks": self.cell.held.probe.hooks, "asked": self.cell.model._asked}
        print(json.dumps(books), flush=True)
        await asyncio.Event().wait()


def hang() -> None:
    """Holds a conversation under a construct, recorded in a folder."""
    construct, folder = sys.argv[1:]
    fault = Waiting("hangs", "process", tool="hangs")
    fault.cell = Cell(fault, construct, FlowPlugin(directory=folder))
    asyncio.run(fault.cell.hold())
