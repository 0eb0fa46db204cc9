"""Faults of the disk under the recorder: what the app, the log and its reader then do."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.log.reader import read_log
from adk_flow.log.schema import SCHEMA, Header, Record
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.sessions import SessionLog, now
from tests.doubles.flow import agent

OPEN_FILES = Path("/proc/self/fd")
WORDS = ["One.", "Two.", "Three."]


async def ask(
    plugin: FlowPlugin, meanwhile: Callable[[], Any] = lambda: None, session: str = "s"
) -> list[str]:
    """Holds three turns, of which the second has a tool that does something `meanwhile`."""

    def look() -> str:
        """Looks."""
        meanwhile()
        return "seen"

    script = {"Root": [WORDS[0], call("look"), *WORDS[1:]]}
    root = agent("Root", Scripted(script=script), tools=[look])
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    await runner.session_service.create_session(app_name="app", user_id="u", session_id=session)
    said = []
    for words in ("a", "b", "c"):
        async for event in runner.run_async(
            user_id="u", session_id=session, new_message=types.UserContent(words)
        ):
            said += [part.text for part in event.content.parts if part.text]
    await runner.close()
    return said


def open_files() -> int:
    return len([*OPEN_FILES.iterdir()])


@contextmanager
def full_disk(after: int = 0) -> Iterator[None]:
    """Lets as many further bytes be written to any file, and then no more."""
    left, write = after, os.write

    def limited(file: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, data[:left])
        left -= written
        return written

    os.write = limited
    try:
        yield
    finally:
        os.write = write


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="only Linux lists a process's files")
@pytest.mark.parametrize("fault", ["no folder", "full disk", "a link", "a folder"])
async def test_where_no_log_can_be_written_the_app_goes_on_and_nothing_is_left(
    tmp_path, fault, caplog
):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    places: dict[str, dict[str, Any]] = {
        "no folder": {"directory": tmp_path / "file" / "below"},
        "full disk": {"directory": tmp_path / "logs"},
        "a link": {"file": tmp_path / "link"},
        "a folder": {"file": tmp_path},
    }
    sound = FlowPlugin(directory=tmp_path / "sound")
    await ask(sound)
    path = sound.paths[0]
    records = len(read_log(path).records)
    path.unlink()
    before = open_files()
    plugin = FlowPlugin(**places[fault])
    with full_disk():
        assert await ask(plugin) == WORDS

    assert plugin.faults.total() == records
    assert not plugin.paths
    assert open_files() == before
    assert not [*tmp_path.rglob("*.jsonl")]
    assert (tmp_path / "file").read_text() == ""
    first, last = caplog.messages
    assert first.startswith("adk-flow could not record on_user_message: ")
    assert last.startswith(f"adk-flow did not record {plugin.faults.total()} hooks")


@pytest.mark.parametrize("room", range(0, 1500, 137))
async def test_what_a_full_disk_has_room_for_is_whole_and_the_log_goes_on(tmp_path, room):
    plugin = FlowPlugin(directory=tmp_path)
    full = full_disk(room)
    assert await ask(plugin, full.__enter__) == WORDS
    full.__exit__(None, None, None)
    lost = plugin.faults.total()
    assert await ask(plugin) == WORDS  # the same session, once there is room again

    (path,) = tmp_path.rglob("*.jsonl")
    log = read_log(path)
    assert log.damage == []
    assert lost == plugin.faults.total() > 0
    assert log.unrecorded == lost


GONE: dict[str, Callable[[Path], Any]] = {
    "deleted": lambda path: path.unlink(),
    "deleted with its folder": lambda path: shutil.rmtree(path.parent.parent),
    "rotated": lambda path: path.rename(path.with_suffix(".1")),
    "cut": lambda path: os.truncate(path, 0),
}


@pytest.mark.parametrize("way", GONE)
async def test_a_log_that_is_taken_away_in_a_turn_is_begun_anew(tmp_path, way):
    plugin = FlowPlugin(directory=tmp_path / "logs")

    assert await ask(plugin, lambda: GONE[way](plugin.paths[0])) == WORDS

    (path,) = tmp_path.rglob("*.jsonl")
    log = read_log(path)
    # What follows on the tool is in the old file where that is there still.
    texts = [record.text for record in log.records if record.hook == "event"]
    assert texts == (WORDS[2:] if way == "rotated" else ["", *WORDS[1:]])
    assert log.damage == []
    assert not plugin.faults


@pytest.mark.parametrize(
    ("hooks", "later"), [(["before_model", "after_model"], 0), (["before_agent"], 10_001)]
)
def test_a_deleted_log_is_noticed_after_a_model_or_in_time_and_the_gap_told(
    tmp_path, monkeypatch, hooks, later
):
    clock = [now()]
    monkeypatch.setattr("adk_flow.record.sessions.now", lambda: clock[0])
    header = Header(flow_log=SCHEMA, adk="", adk_flow="", app="app", session="s", time=0)
    log = SessionLog(tmp_path / "log.jsonl", header, str)
    log.write(Record(hook="before_run", time=0))
    log.path.unlink()
    clock[0] += later
    for hook in hooks:
        log.write(Record(hook=hook, time=0))
    log.close()

    read = read_log(log.path)
    assert [record.hook for record in read.records] == hooks[-1:]
    assert read.missing == 1 + len(hooks)


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="only Linux lists a process's files")
async def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    plugin = FlowPlugin(directory=tmp_path)

    assert await ask(plugin) == WORDS
    assert not plugin.faults


class Unshowable(Exception):
    def __str__(self) -> str:
        raise self


async def test_a_fault_that_cannot_be_shown_never_reaches_the_app(tmp_path, monkeypatch, caplog):
    def fail(*args: object, **fields: object) -> None:
        raise Unshowable

    class Shouting:
        def filter(self, record: object) -> bool:
            raise Unshowable

    monkeypatch.setattr("adk_flow.record.recorder.Recorder.write", fail)
    monkeypatch.setattr("adk_flow.record.recorder._logger.filters", [Shouting()])
    plugin = FlowPlugin(directory=tmp_path)

    assert await ask(plugin) == WORDS
    assert plugin.first_fault == "on_user_message: Unshowable: <Unshowable>"
