"""Chrome's trace events: one a span, which lie inside each other on every track."""

import json
import random
from collections import defaultdict

import pytest

from adk_flow.export.chrome import write_chrome
from adk_flow.export.spans import spans_of
from tests.doubles.command import run_command
from tests.doubles.flow import record
from tests.fuzz.books import Books, current
from tests.fuzz.dice import Dice
from tests.fuzz.trees import Grower


def assert_nested(events):
    """Checks what viewers ask for: two events of a track lie inside or after each other."""
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in tracks.values():
        for number, (began, ended) in enumerate(spans):
            for later_began, later_ended in spans[number + 1 :]:
                assert later_began >= ended or (later_began >= began and later_ended <= ended)


async def recorded(seed, folder):
    dice = random.Random(seed)
    root = Grower(dice, Dice(), [], pauses=False).tree()
    current.set(Books("", dice, decisions_left=4))
    return await record(root, ["Go."], folder)


@pytest.mark.parametrize("seed", range(4))
async def test_every_span_of_a_random_tree_has_its_place(seed, tmp_path):
    flow = await recorded(seed, tmp_path)

    count = write_chrome([flow.trace.log] * 2, tmp_path / "trace.json")

    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(events) == count
    assert_nested(events)
    spans = [span for span in spans_of(flow.trace).spans if span.kind != "replaced"]
    drawn = [event for event in events if event["ph"] == "X" and event["pid"] == 1]
    assert [(e["ts"], e["dur"], e["args"]["record"]) for e in drawn] == [
        (span.began, span.ended - span.began, span.record) for span in spans
    ]
    transfers = [move for move in flow.trace.moves if move.kind == "transfer"]
    assert sum(event["ph"] == "s" for event in events) == 2 * len(transfers)
    tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert all(tracks[e["pid"], e["tid"]] == (e["args"]["agent"] or "turns") for e in drawn)


async def test_the_command_writes_a_file_for_its_owner_alone(tmp_path):
    log = (await recorded(0, tmp_path / "logs")).plugin.paths[0]

    result = run_command(
        "export", log, "--format", "chrome", "--out", "trace.json", folder=tmp_path
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("trace.json  ")
    assert (tmp_path / "trace.json").stat().st_mode & 0o777 == 0o600
