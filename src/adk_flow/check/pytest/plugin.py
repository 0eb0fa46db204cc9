"""What pytest loads: the fixture, and how a comparison of moves that fails is told."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from adk_flow.check.pytest.fixture import FlowFixture
from adk_flow.check.snapshot import Snapshot, aligned, lines_of, side_by_side

_SHOWN = 6
"""Lines of a failed comparison that pytest shows whole, whatever its verbosity."""

_WHOLE: WeakKeyDictionary[pytest.Config, list[str]] = WeakKeyDictionary()
"""The whole of comparisons that were too long for that, by test session."""


@pytest.fixture(name="flow")
def flow_fixture(tmp_path: Path) -> FlowFixture:
    """Holds conversations with ADK agents, without a key, and tells how they flowed."""
    return FlowFixture(tmp_path / "flow_logs")


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Shows expected and actual moves side by side."""
    if op != "==" or not (isinstance(left, Snapshot) or isinstance(right, Snapshot)):
        return None
    expected, actual = (right, left) if isinstance(left, Snapshot) else (left, right)
    if lines_of(expected) is None:
        return None
    rows = aligned(expected, actual)
    whole = side_by_side(rows)
    changed = [row for row in rows if not row.same]
    title = f"the moves differ in {len(changed)} of {len(rows)} lines"
    if len(whole) <= _SHOWN:
        return [title, *whole]
    # pytest cuts longer explanations, so the whole stands in a section of the report.
    _WHOLE.setdefault(config, []).append("\n".join([title, *whole]))
    return [title, *side_by_side(changed)[: _SHOWN - 1], "all of them: see 'flow' below"]


# Releases of pytest from 6 on load this, and before 8 the other kind of wrapper may be unknown.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Adds the whole of a comparison that was too long for the assertion."""
    outcome = yield
    whole = _WHOLE.pop(item.config, [])
    report = outcome.get_result()
    if report.failed:
        report.sections += [("flow", text) for text in whole]
