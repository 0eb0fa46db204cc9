"""A comparison of the desk, and its report; the same in which every word may come from anywhere."""

import os

import msgspec
import pytest

from adk_flow.analysis.latency import PROFILES
from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.comparison.aggregate import Comparison, compare_runs
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from tests.doubles.browser import recorded
from tests.doubles.desk import ROOT
from tests.render.reports import CONSTRUCTS, HOSTILE, PACED, TEAM


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> list[RunMetrics]:
    """Holds two conversations under three constructs, with the offline model."""
    os.environ["MODEL_NAME"] = "offline"
    from constructs.desk import desk

    folder = tmp_path_factory.mktemp("logs")
    measured = []
    for construct in CONSTRUCTS:
        for name in ("one_question", "three_in_one_message"):
            asked = read_conversation(ROOT / "conversations" / f"{name}.yaml")
            file = folder / f"{construct}-{name}.jsonl"
            held = recorded(run_conversation(desk(construct), asked, file=file))
            measured.append(
                measure_run(
                    read_trace(file),
                    construct=construct,
                    conversation=name,
                    asked=asked,
                    failed_checks=held.failed_checks,
                    team=TEAM,
                    pace=PROFILES["gemini-2.5-flash"],
                )
            )
    return measured


@pytest.fixture(scope="session")
def comparison(runs) -> Comparison:
    return compare_runs(runs, PACED)


@pytest.fixture(scope="session")
def html(comparison) -> str:
    return comparison_to_html(comparison)


@pytest.fixture(scope="session")
def hostile(comparison) -> str:
    """A page in which every word that may come from outside holds markup and control characters."""
    data = _poisoned(msgspec.to_builtins(comparison))
    return comparison_to_html(msgspec.convert(data, Comparison))


_OWN = {"kind", "axis", "shown", "level", "figure", "via", "finding_kinds"}
"""Fields whose words are ours."""
_BY_NAME = {"agents", "after_turns", "values", "skipped"}
"""Fields that are dictionaries by name."""


def _poisoned(data, field=""):
    if isinstance(data, dict):
        if field in _BY_NAME:
            return {key + HOSTILE: _poisoned(value) for key, value in data.items()}
        return {key: v if key in _OWN else _poisoned(v, key) for key, v in data.items()}
    if isinstance(data, list | tuple):
        return [_poisoned(value) for value in data]
    return data + HOSTILE if isinstance(data, str) else data
