"""Every fault under every construct, with the recorder and without; the page's table is made of it.

python -m tests.faults [--only WORD]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.doubles.pages import ROOT
from tests.faults.cells import CONSTRUCTS
from tests.faults.faults import FAULTS, Fault
from tests.faults.oracle import try_cell

PAGE = ROOT / "docs" / "promises.md"
BEGIN, END = "<!-- make faults -->\n", "<!-- end -->\n"


async def try_all(faults: Sequence[Fault]) -> dict[tuple[str, str, str], list[str]]:
    """Tries each fault under each construct; says what is wrong in each cell."""
    wrong = {}
    with tempfile.TemporaryDirectory() as name:
        for number, fault in enumerate(faults, start=1):
            for construct in CONSTRUCTS:
                cell = (fault.group, fault.name, construct)
                folder = Path(name) / str(number) / construct
                if words := await try_cell(fault, construct, folder):
                    wrong[cell] = words
                    print(": ".join((*cell, words[0][:300])))
            if sys.stderr.isatty():
                print(f"{number} of {len(faults)} faults", end="\r", file=sys.stderr)
    return wrong


def table(wrong: Mapping[tuple[str, str, str], list[str]]) -> str:
    """Writes how many cells hold."""
    groups: dict[str, list[str]] = defaultdict(list)
    for fault in FAULTS:
        groups[fault.group].append(fault.name)
    lines = ["| where | what goes wrong, in a turn | cells that hold |", "|---|---|---|"]
    for group, names in groups.items():
        cells = len(names) * len(CONSTRUCTS)
        bad = sum(cell[0] == group for cell in wrong)
        lines.append(f"| {group} | {', '.join(names)} | {cells - bad} of {cells} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Tries the cells, and writes the table if all faults were tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a group or a name of faults")
    only = parser.parse_args().only
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    faults = [fault for fault in FAULTS if only in (fault.group, fault.name, "")]
    wrong = asyncio.run(try_all(faults))
    cells = len(faults) * len(CONSTRUCTS)
    print(f"{cells - len(wrong)} of {cells} cells hold")
    if not only:
        before, begin, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + begin + table(wrong) + END + rest.partition(END)[2])
    return bool(wrong)


sys.exit(main()) if __name__ == "__main__" else None
