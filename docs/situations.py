"""Draws the situations of docs/situations.md: of each row, the last log of the test that it names.

python docs/situations.py > FILE
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.log.reader import is_flow_log
from adk_flow.render.mermaid import sequence_diagram

ROOT = Path(__file__).resolve().parents[1]
HEADING = """# Situations, drawn

Each picture is the last flow log of the test that [the list of situations](situations.md) names: it
runs on google-adk with scripted models. `python docs/situations.py` draws them.
"""


class Situation(NamedTuple):
    """A row of the page, with a test of its own."""

    happens: str
    told: str
    test: str
    """As pytest names it."""


def situations() -> Iterator[Situation]:
    """Reads the rows that name a test, and not only a file or folder of them."""
    for line in (ROOT / "docs" / "situations.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        tests = re.findall(r"`(tests/[\w/]+\.py::\w+)`", cells[-1])
        if len(cells) == 3 and tests:
            yield Situation(cells[0], cells[1], tests[0])


class Drawings:
    """Pictures by test: what the last log in its folder tells, before pytest clears that away."""

    def __init__(self) -> None:
        self.pictures: dict[str, str] = {}

    def pytest_runtest_teardown(self, item: pytest.Function) -> None:
        """Draws once a test was run; of one with parameters the first."""
        folder = item.funcargs.get("tmp_path")
        logs = folder.rglob("*.jsonl") if isinstance(folder, Path) else ()
        if drawable := [log for log in logs if is_flow_log(log)]:
            newest = max(drawable, key=lambda log: log.stat().st_mtime)
            test = item.nodeid.partition("[")[0]
            self.pictures.setdefault(test, sequence_diagram(read_trace(newest).moves))


def draw_situations() -> str:
    """Runs the tests, and writes the page."""
    rows, drawings = [*situations()], Drawings()
    options = ["-n", "0", "-W", "ignore::pytest.PytestAssertRewriteWarning", f"--rootdir={ROOT}"]
    with redirect_stdout(sys.stderr):
        failed = pytest.main([*options, *(row.test for row in rows)], plugins=[drawings])
    if failed:
        sys.exit("a test of docs/situations.md fails, so its picture is not drawn")
    parts = (_part(row, drawings.pictures.get(row.test, "")) for row in rows)
    return "\n".join([HEADING, *filter(None, parts)])


def _part(row: Situation, picture: str) -> str:
    if not picture:  # it is about the log, or draws by itself
        return ""
    return f"## {row.happens}\n\n{row.told}\n\n```mermaid\n{picture}```\n"


if __name__ == "__main__":
    print(draw_situations(), end="")
