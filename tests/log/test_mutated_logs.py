"""Records in any order, cut, doubled, of unknown hooks: moves or a clear error, never a crash.

`python -m tests.doubles.mutations --number 10000` runs the commands on more broken logs than
there is time for here.
"""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.diff import diff_flows
from adk_flow.check.flow import Flow
from adk_flow.check.snapshot import ANY, Snapshot, aligned
from adk_flow.log.schema import Record
from tests.doubles.mutations import run_all, whole_logs
from tests.doubles.records import RECORDS, log_of


def of(records):
    return Flow(trace_log(log_of(records)))


AGENT = Record(hook="before_agent", time=1, run=1, activation=3, agent="Loans", cause="node")
GRAPH = [  # that an event of another run tells the end of
    replace(AGENT, parent_name="g", path="g@1/a@1/Loans@1"),
    Record(hook="after_run", time=2, run=1),
    Record(hook="event", time=3, run=3, parent=3, path="g@1/a@1"),
]


@given(st.lists(RECORDS, max_size=25))
@example(GRAPH)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_records_give_moves_figures_and_findings(records):
    flow = of(records)

    told = flow.picture
    assert told == list(told)
    calls = [turn.llm_calls for turn in flow.turns]
    assert flow.llm_calls == (None if None in calls else sum(filter(None, calls)))
    assert all(finding.records for finding in flow.findings)
    assert all(0 <= move.record < len(records) and move.turn >= 1 for move in flow.moves)
    assert all(figures.seen_llm_calls >= 0 for figures in flow.figures)
    assert diff_flows(flow.trace, of(records).trace).turns == []
    flow.shared("Root", "Loans")
    _ = flow.faults, flow.speakers, flow.answered_by, flow.active_agent


@given(st.data())
def test_pictures_that_differ_have_a_row_that_differs(data):
    drawn = ["start user to A", "A => B", "end A to user"]
    actual = data.draw(st.lists(st.sampled_from(drawn)))
    expected = data.draw(st.lists(st.sampled_from([*drawn, "A ... B", "..."])))

    rows = aligned(expected, actual)

    assert [row.left for row in rows if row.left] == expected
    assert [row.right for row in rows if row.right] == actual
    assert all(row.same for row in rows) <= (Snapshot(actual) == expected)
    exact = aligned(expected, actual, exactly=True)
    assert all(row.same for row in exact) == (expected == actual)


@given(st.text("ab.", max_size=8), st.text("ab.", max_size=8))
def test_dots_stand_for_any_words(line, drawn):
    said = ".*".join(map(re.escape, line.split(ANY)))

    assert (Snapshot([f"x{drawn}"]) == [f"x{line}"]) is bool(re.fullmatch(f"x{said}", f"x{drawn}"))


@pytest.fixture
async def wholes(tmp_path):
    return await whole_logs(tmp_path)


@pytest.mark.parametrize(
    "seed", [4, *(pytest.param(seed, marks=pytest.mark.environments) for seed in (1, 2, 3, 5))]
)
def test_no_command_crashes_on_a_broken_log(wholes, seed, tmp_path):
    codes = run_all(wholes, tmp_path, number=25, seed=seed)

    assert {0, 1} <= set(codes) <= {0, 1, 2}  # 2 where a header is hit
