"""Flow logs: written line by line, read back, cut, damaged, continued."""

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.log import reader
from adk_flow.log.reader import LogError, LogFile, read_log
from adk_flow.log.schema import SCHEMA, Header, Part, Record, Request
from adk_flow.log.writer import LogWriter, log_path
from tests.doubles.command import run_command
from tests.doubles.forked import forked
from tests.faults.process import hang

HEADER = Header(flow_log=SCHEMA, adk="2.13.0", adk_flow="0", app="app", session="s", time=1)


def written(path: Path, records: list[Record]) -> Path:
    writer = LogWriter(path)
    writer.begin_part(HEADER)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def turn(words: str = "hello") -> list[Record]:
    return [
        Record(hook="user_message", time=1, run=1, text=words, size=len(words)),
        Record(hook="before_run", time=2, run=1, agent="Root"),
        Record(hook="before_agent", time=3, run=1, activation=1, agent="Root", cause="user"),
        Record(
            hook="event", time=4, run=1, activation=1, agent="Root", text="hi", size=2, final=True
        ),
        Record(hook="after_agent", time=5, run=1, activation=1, agent="Root"),
        Record(hook="after_run", time=6, run=1, agent="Root", active_agent="Root"),
    ]


def test_records_come_back_as_they_were_written(tmp_path):
    request = Request(system=1, parts=(Part("user", "text", 2),), tools=("t",), targets=("A",))
    records = [*turn("£1 ☃"), Record(hook="before_model", time=7, request=request, texts={1: "s"})]

    log = read_log(written(tmp_path / "a.jsonl", records))

    assert log.header == HEADER
    assert log.records == records
    assert log.texts == {1: "s"}
    assert log.damage == []


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_log_cut_in_a_line_gives_all_before_it_and_says_where(tmp_path, cut):
    path = written(tmp_path / "a.jsonl", turn())
    path.write_bytes(path.read_bytes()[:-cut])

    log = read_log(path)

    if cut == 1:  # only the line's end is missing
        assert log.records == turn()
    else:
        assert log.records == turn()[:-1]
        assert [(damage.line, damage.reason) for damage in log.damage] == [
            (7, "the line was cut short")
        ]


def test_a_later_part_is_numbered_on_and_starts_on_its_own_line(tmp_path):
    path = written(tmp_path / "a.jsonl", turn("one"))
    path.write_bytes(path.read_bytes()[:-20])
    written(path, turn("two"))

    log = read_log(path)

    assert [damage.line for damage in log.damage] == [7]
    assert {record.run for record in log.records} == {1, 2}
    assert [move.text for move in trace_log(log).moves if move.kind == "say"] == ["one", "two"]
    assert [figures.complete for figures in measure(trace_log(log))] == [False, True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"hello\n", "line 1: no flow log"),
        (b'{"a":1}\n', "line 1: no flow log"),
        (b"[1]\n", "line 1: no flow log"),
        (b'{"flow_log":99}\n', "flow log of schema 99; this adk-flow reads up to 2"),
        (
            b'{"flow_log":1}\n',
            "line 1: this log has schema 1, written by an older adk-flow; record it anew",
        ),
        (b'{"flow_log":2}\n', "damaged header"),
        (b"\xff\xfe\x00", "line 1: no flow log"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(tmp_path, content, reason):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)

    with pytest.raises(LogError) as error:
        read_log(path)

    assert reason in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_stands_before_a_part_of_another_schema_is_read_before_that_is_refused(tmp_path):
    path = written(tmp_path / "a.jsonl", turn())
    with path.open("a") as file:
        file.write('{"flow_log":99}\n')
    records = LogFile(path).records

    assert [next(records) for _ in turn()] == turn()
    with pytest.raises(LogError, match="line 8: flow log of schema 99"):
        next(records)


def test_a_log_that_is_read_twice_at_once_tells_its_damage_once(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "_CHUNK", 1)
    path = written(tmp_path / "a.jsonl", turn())
    with path.open("a") as file:
        file.write("{}\n")
    log = LogFile(path)

    assert [one for one, _ in zip(log.records, log.records, strict=True)] == turn()
    assert [damage.line for damage in log.read_so_far.damage] == [8]


def test_a_missing_log_is_refused(tmp_path):
    with pytest.raises(LogError, match="No such file"):
        read_log(tmp_path / "none.jsonl")


names = st.text(max_size=30)


@given(app=names, user=names, session=names)
def test_a_path_stays_in_its_folder_and_sessions_apart(app, user, session):
    path = log_path(Path("/logs"), app, user, session, session)

    assert Path("/logs") in path.parents
    assert ".." not in path.parts
    assert len(path.name) < 100
    assert path != log_path(Path("/logs"), app, user, session + "x", session)


@given(st.binary(max_size=400))
def test_any_bytes_after_a_header_are_read_or_left_out(tmp_path_factory, junk):
    path = written(tmp_path_factory.mktemp("logs") / "a.jsonl", turn())
    with path.open("ab") as file:
        file.write(junk)

    log = read_log(path)

    assert log.records[:6] == turn()


def test_a_process_killed_in_the_middle_of_a_turn_loses_nothing_written(tmp_path):
    with forked(hang, "single_agent", tmp_path) as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    (path,) = tmp_path.rglob("*.jsonl")
    log = read_log(path)
    assert [record.hook for record in log.records] == [
        "user_message",
        "before_run",
        "before_agent",
        "before_model",
        "after_model",
        "event",
        "before_tool",
    ]
    (figures,) = measure(trace_log(log))
    assert not figures.complete

    shown = run_command("show", path, folder=tmp_path)
    assert shown.returncode == 0
    assert "user to Lead: Loan?" in shown.stdout
    assert "the log stops in the middle of this turn" in shown.stdout


def test_a_line_nested_too_deeply_is_damage_and_the_rest_is_read(tmp_path):
    path = written(tmp_path / "a.jsonl", turn())
    nested = b'{"hook":"event","time":1,"nested":' + b'{"a":' * 9000 + b"1" + b"}" * 9001 + b"\n"
    path.write_bytes(path.read_bytes() + nested)

    log = read_log(path)

    assert log.records == turn()
    assert [damage.line for damage in log.damage] == [8]
