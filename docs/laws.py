"""Measures the laws anew and writes them, and what docs/laws.md shows of them: make laws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from samples import run_sample

from adk_flow.analysis.latency import DEFAULT_PROFILE, profile_named
from adk_flow.cli.output import silence_adk
from adk_flow.laws.crossings import LawSetting
from adk_flow.laws.formulas import LARGE, SMALL, Law, fit_laws
from adk_flow.laws.grid import run_point
from adk_flow.laws.prediction import fit_app_laws
from adk_flow.laws.table import LawTable, write_table
from adk_flow.render.laws import write_laws

PAGE = Path(__file__).with_name("laws.md")
SAMPLES = 200

Place = TypeVar("Place")
Row = TypeVar("Row")


def main() -> None:
    """Measures, fits, and writes."""
    silence_adk()
    # The longest first, so that no process waits for the last.
    tried = _rows(run_point, LARGE, "points not fitted")
    laws = fit_laws(_rows(run_point, SMALL, "points fitted"), tried)
    apps = fit_app_laws(_rows(run_sample, range(SAMPLES), "apps of any shape"))
    write_table(LawTable(version("google-adk"), laws, apps, SAMPLES))
    write_page(laws)


def write_page(laws: Sequence[Law]) -> None:
    """Prints what the laws say, and writes it into their page."""
    shown = write_laws(laws, LawSetting(profile_named(DEFAULT_PROFILE), DEFAULT_PROFILE), 80)
    print(shown)
    write_block("laws", f"```text\n{shown}```\n")


def write_block(name: str, block: str) -> None:
    """Writes what stands in the page between two marks of a name."""
    mark = f"<!-- {name} -->\n"
    before, _, after = PAGE.read_text().split(mark)
    PAGE.write_text(f"{before}{mark}{block}{mark}{after}")


def _rows(run: Callable[[Place], list[Row]], places: Collection[Place], what: str) -> list[Row]:
    """Runs places in as many processes as there are cores."""
    rows: list[Row] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=silence_adk) as pool:
        for done, taken in enumerate(pool.map(run, places), start=1):
            rows += taken
            print(f"{done} of {len(places)} {what}", file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
