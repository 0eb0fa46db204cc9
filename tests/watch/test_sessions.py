"""Logs that grow, are cut, deleted, rotated and continued: the page shows what is there."""

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.log.parts import join_parts
from adk_flow.log.reader import read_log
from adk_flow.render.flow_text import list_findings
from adk_flow.render.page_pieces import SessionPieces
from adk_flow.watch.board import Board
from adk_flow.watch.server import Pages
from adk_flow.watch.sessions import WatchedFolder
from tests.watch.logs import record_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> bytes:
    """A log of two turns."""
    flow = asyncio.run(record_desk(tmp_path_factory.mktemp("logs")))
    return Path(flow.log.path).read_bytes()


def draw(trace, pieces=None) -> dict[str, str]:
    """Draws a session, anew or on."""
    return (pieces or SessionPieces()).draw(trace, list_findings(trace))


def pieces_of(folder: WatchedFolder) -> list[dict[str, str]]:
    """Draws each session anew, under no id."""
    return [draw(session.trace) for session in folder.sessions.values()]


def whole(*paths: Path) -> dict[str, str]:
    """Draws a session as the reader of finished logs reads it."""
    return draw(trace_log(join_parts([read_log(path) for path in paths])))


def test_what_a_turn_took_is_unknown_on_the_page_too_if_lines_of_it_are_lost(desk, tmp_path):
    lines, path = desk.splitlines(keepends=True), tmp_path / "a.jsonl"
    lost = next(n for n, line in enumerate(lines) if b'"before_model"' in line)
    path.write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))
    folder = WatchedFolder(tmp_path)
    list(folder.look())

    assert pieces_of(folder) == [whole(path)]
    assert "+ unknown, as lines of the log are lost" in pieces_of(folder)[0]["turn-1"]


@given(data=st.data())
def test_any_cut_of_a_log_into_writes_shows_what_reading_it_whole_shows(
    desk, data, tmp_path_factory
):
    cuts = data.draw(st.lists(st.integers(0, len(desk)), max_size=4).map(sorted))
    path = tmp_path_factory.mktemp("watched") / "a.jsonl"
    folder, pieces = WatchedFolder(path.parent), SessionPieces()
    for begin, end in zip([0, *cuts], [*cuts, len(desk)], strict=True):
        with path.open("ab") as file:
            file.write(desk[begin:end])
        list(folder.look())
        for session in folder.sessions.values():  # a turn is drawn again only where it changed
            ended = path.with_name("ended")
            ended.write_bytes(desk[: desk.rindex(b"\n", 0, end) + 1])
            expected = {**whole(ended), "head": ""}
            assert {**draw(session.trace, pieces), "head": ""} == expected

    assert pieces_of(folder) == [whole(path)]


OPERATIONS = ("append", "cut", "begin anew", "delete", "rotate", "look")


@given(data=st.data())
def test_whatever_becomes_of_the_files_the_page_shows_those_that_are_there(
    desk, data, tmp_path_factory
):
    path = tmp_path_factory.mktemp("watched") / "a.jsonl"
    folder = WatchedFolder(path.parent)
    written = 0
    for number, operation in enumerate(data.draw(st.lists(st.sampled_from(OPERATIONS)))):
        match operation:
            case "append":
                size = data.draw(st.integers(1, len(desk)))
                with path.open("ab") as file:
                    file.write(desk[written : written + size])
                written += size
            case "cut" if path.exists():
                written = data.draw(st.integers(0, path.stat().st_size))
                path.write_bytes(path.read_bytes()[:written])
            case "begin anew":
                path.write_bytes(desk)
                written = len(desk)
            case "delete":
                path.unlink(missing_ok=True)
                written = 0
            case "rotate" if path.exists():
                path.rename(path.with_name(f"{number}.jsonl"))
                written = 0
            case _:
                list(folder.look())
    list(folder.look())

    anew = WatchedFolder(path.parent)
    list(anew.look())
    assert sorted(map(str, pieces_of(folder))) == sorted(map(str, pieces_of(anew)))


def test_a_session_in_several_files_is_one_whichever_is_there_first(desk, tmp_path):
    lines = desk.splitlines(keepends=True)
    second = next(i for i, line in enumerate(lines) if b"where do I save" in line)
    folder = WatchedFolder(tmp_path)
    one, two = tmp_path / "host_a" / "a.jsonl", tmp_path / "host_b" / "b.jsonl"
    for path, part in ((two, [lines[0], *lines[second:]]), (one, lines[:second])):
        path.parent.mkdir()
        path.write_bytes(b"".join(part))
        list(folder.look())

    (shown,) = pieces_of(folder)
    assert shown == whole(one, two)
    assert "<blockquote>How dear is a loan?</blockquote>" in shown["turn-1"]
    assert "<blockquote>And where do I save?</blockquote>" in shown["turn-2"]


def test_what_is_no_flow_log_or_of_another_schema_is_not_shown(desk, tmp_path):
    (tmp_path / "notes.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "old.jsonl").write_text('{"flow_log":1,"adk":"","app":"a","session":"s"}\n')
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "a.jsonl").write_bytes(desk)
    folder = WatchedFolder(tmp_path)
    list(folder.look())

    assert len(folder.sessions) == 1


def test_nothing_is_read_again_where_nothing_was_written(desk, tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_bytes(desk)
    folder = WatchedFolder(tmp_path)
    list(folder.look())
    monkeypatch.setattr("os.open", None)

    assert list(folder.look()) == []


def test_a_log_that_is_deleted_takes_its_session_off_the_page(desk, tmp_path):
    for name in (b"a", b"b"):
        log = desk.replace(b'"app":"app"', b'"app":"%b"' % name)
        (tmp_path / f"{name.decode()}.jsonl").write_bytes(log)
    board = Board(tmp_path, "/x/")
    before = board.pieces("")
    (tmp_path / "a.jsonl").unlink()
    board._looked = 0
    after = board.pieces("")

    for pieces, number in ((before, 2), (after, 1)):
        assert sum(name.startswith("row-") for name in pieces) == number


def test_older_logs_are_listed_when_they_are_asked_for(desk, tmp_path, monkeypatch):
    for module in ("sessions", "board"):
        monkeypatch.setattr(f"adk_flow.watch.{module}.MOST_LOGS", 2)
    for number in range(5):
        log = desk.replace(b'"app":"app"', b'"app":"app%d"' % number)
        (tmp_path / f"{number}.jsonl").write_bytes(log)
    client = TestClient(Pages(tmp_path, "/").app)
    address, listed = "/", []
    while address:
        page = client.get(address).text
        listed.append((page.count('<li id="row-'), re.findall("more of (.*?)</a>", page)))
        address = next(iter(re.findall(r'href="(\?most=\d+)"', page)), "")

    assert listed == [(2, ["3 older logs"]), (4, ["1 older log"]), (5, [])]


def test_a_log_of_no_time_that_there_is_harms_nobody(desk, tmp_path):
    (tmp_path / "good.jsonl").write_bytes(desk)
    for number in (-(2**62), 2**62, 10**25):
        log = re.sub(rb'(?<="time":)\d+', b"%d" % number, desk)
        (tmp_path / f"{number}.jsonl").write_bytes(log.replace(b'"app":"app"', b'"app":"b"'))

    pieces = Board(tmp_path, "/x/").pieces("")
    assert any("How dear is a loan?" in html for html in pieces.values())
