"""Measures the laws anew and writes them, and what docs/laws.md shows of them: make laws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from samples import run_samples

from adk_flow.analysis.latency import DEFAULT_PROFILE, profile_named
from adk_flow.cli.output import silence_adk
from adk_flow.laws.crossings import LawSetting
from adk_flow.laws.formulas import LARGE, SMALL, Law, fit_laws
from adk_flow.laws.grid import LawRow, Point, run_points
from adk_flow.laws.prediction import fit_app_laws
from adk_flow.laws.table import LawTable, write_table
from adk_flow.render.laws import write_laws

PAGE = Path(__file__).with_name("laws.md")
MARK = "<!-- laws -->\n"
SAMPLES = 200


def main() -> None:
    """Measures, fits, and writes."""
    silence_adk()
    laws = fit_laws(_measured(SMALL, "fitted"), _measured(LARGE, "not fitted"))
    apps = fit_app_laws(run_samples(range(SAMPLES), _progress("apps of any shape")))
    write_table(LawTable(version("google-adk"), laws, apps, SAMPLES))
    write_page(laws)


def write_page(laws: Sequence[Law]) -> None:
    """Prints what the laws say, and writes it into their page."""
    shown = write_laws(laws, LawSetting(profile_named(DEFAULT_PROFILE), DEFAULT_PROFILE))
    print(shown)
    before, _, after = PAGE.read_text().split(MARK)
    PAGE.write_text(f"{before}{MARK}```text\n{shown}```\n{MARK}{after}")


def _measured(points: Iterable[Point], name: str) -> list[LawRow]:
    return [*run_points(points, progress=_progress(f"points {name}"))]


def _progress(what: str) -> Callable[[int, int], None]:
    return lambda done, planned: print(f"{done} of {planned} {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
