"""A session that several workers recorded, read as one log by every command."""

import json
import shutil
from typing import Any

import pytest
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.metrics import measure, summed
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.log.reader import read_log
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import override_models, override_of
from adk_flow.models.scripted import Scripted, call
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.app_cases import CASES, same
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, expected, record
from tests.doubles.somebody import load, place, talk

LONG = {name: case for name, case in CASES.items() if len(case.turns) > 1}


async def held(name, folder, workers=2):
    """Holds a conversation with workers in turn; `whole` is recorded beside all of them."""
    case, whole = CASES[name], FlowPlugin(name="whole", directory=folder / "whole")
    model = Scripted(script=case.script)
    app = override_models(load(place(name, folder)), model)
    plugins = [FlowPlugin(directory=folder / "parts" / str(n)) for n in range(workers)]
    # Python keeps a module by its name: another test's app of this name may have a recorder.
    others = [plugin for plugin in app.plugins if not isinstance(plugin, FlowPlugin)]
    pool = [app.model_copy(update={"plugins": [each, whole, *others]}) for each in plugins]
    with in_force(override_of(app)):
        await talk(pool[0], case.turns, *pool[1:])
    assert not any(plugin.faults for plugin in (*plugins, whole))
    return folder / "whole", folder / "parts"


def logs_in(folder):
    return sorted(folder.rglob("*.jsonl"))


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("workers", [2, 3])
async def test_workers_in_turn_are_told_as_one_conversation(name, workers, tmp_path):
    _, parts = await held(name, tmp_path, workers)
    assert len(logs_in(parts)) == min(workers, len(LONG[name].turns))

    trace = read_trace(*reversed(logs_in(parts)))

    drawn = draw_snapshot(trace.moves)
    assert same(drawn, expected(LONG[name].drawn)), drawn
    assert summed(measure(trace)).llm_calls == LONG[name].calls
    assert [turn.number for turn in trace.turns] == [*range(1, len(LONG[name].turns) + 1)]


async def test_a_log_that_was_rotated_misses_nothing_with_what_was_before(tmp_path):
    def rotate() -> None:
        (log,) = tmp_path.rglob("*.jsonl")
        log.rename(log.with_name("older.jsonl"))

    model = Scripted(script={"Root": [call("rotate"), "Done.", "More."]})
    await record(agent("Root", model, tools=[rotate]), ["a?", "b?"], tmp_path)
    newer, older = sorted(logs_in(tmp_path), key=lambda log: log.name == "older.jsonl")

    assert read_trace(newer).log.missing == len(older.read_bytes().splitlines())
    assert [read_trace(older, newer).log.missing, len(read_trace(older, newer).turns)] == [0, 2]


FORMS = {
    "folder": lambda parts: [parts],
    "hosts": lambda parts: [parts / "1", parts / "0"],
    "files": lambda parts: logs_in(parts)[::-1],
    "file and folder": lambda parts: [logs_in(parts)[1], parts / "0"],
}
given = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@pytest.fixture(scope="module")
async def folders(tmp_path_factory):
    return await held("concierge", tmp_path_factory.mktemp("concierge"))


@given
def test_a_session_in_parts_is_shown_as_the_whole(form, folders, tmp_path):
    whole, parts = folders

    told = run_command("show", *form(parts), "--format", "mermaid", folder=tmp_path)

    assert told == run_command("show", whole, "--format", "mermaid", folder=tmp_path)
    assert "\nsequenceDiagram\n" in told.stdout


@given
def test_a_session_in_parts_keeps_the_rules_of_the_whole(form, folders, tmp_path):
    (tmp_path / "rules.yaml").write_text(
        "turns: [{}, {answered_by: hotels}, {answered_by: weather}]\n"
    )
    check = ("check", "--expect", "rules.yaml")

    assert run_command(*check, *form(folders[1]), folder=tmp_path).returncode == 0
    assert run_command(*check, folders[1] / "0", folder=tmp_path).returncode == 1


def test_a_session_in_parts_does_not_differ_from_the_whole(folders, tmp_path):
    whole, parts = folders

    assert run_command("diff", whole, parts, folder=tmp_path).returncode == 0
    assert run_command("diff", whole, parts / "0", folder=tmp_path).returncode == 1


@given
def test_a_session_in_parts_is_compared_as_one_run(form, folders, tmp_path):
    told = run_command("compare", *form(folders[1]), "--format", "json", folder=tmp_path)

    assert [run["total"]["llm_calls"] for run in json.loads(told.stdout)["runs"]] == [10], (
        told.stdout
    )


@given
def test_a_session_in_parts_is_exported_as_one(form, folders, tmp_path):
    run_command("export", *form(folders[1]), "--format", "json", "--out", "t", folder=tmp_path)

    rows = json.loads((tmp_path / "t" / "turns.json").read_text())
    assert [(row["turn"], row["llm_calls"]) for row in rows] == [(1, 3), (2, 3), (3, 4)]
    assert len({row["log"] for row in rows}) == 1


@given
def test_a_session_in_parts_gives_the_plan_of_the_whole(form, folders, tmp_path):
    whole, parts = folders
    place("concierge", tmp_path)
    given = [word for path in form(parts) for word in ("--from", path)]

    told = run_command("plan", "concierge", *given, folder=tmp_path)

    assert told == run_command("plan", "concierge", "--from", whole, folder=tmp_path)
    assert told.stdout.count("- say:") == 3


SESSION: Any = {"user_id": "u", "session_id": "s"}


def run_worker(root, folder, service):
    app = App(name="app", root_agent=root, plugins=[FlowPlugin(directory=folder)])
    return Runner(app=app, session_service=service)


async def say(runner):
    message = types.UserContent("Hi")
    return [event async for event in runner.run_async(**SESSION, new_message=message)]


async def test_sessions_of_one_name_that_begin_anew_are_two(tmp_path):
    root = agent("Root", Scripted(script={"Root": ["a", "b"]}))
    for name in ("one", "other"):
        service = InMemorySessionService()
        await service.create_session(app_name="app", **SESSION)
        await say(run_worker(root, tmp_path / name, service))
    one, other = logs_in(tmp_path)

    told = run_command("compare", one, other, "--format", "json", folder=tmp_path)

    assert [run["trial"] for run in json.loads(told.stdout)["runs"]] == [1, 2]
    assert_refused(
        run_command("show", one, other, folder=tmp_path), f"{other}: is of another session than"
    )


async def test_damage_is_told_with_its_file(folders, tmp_path):
    shutil.copytree(folders[1], tmp_path / "parts")
    first, second = logs_in(tmp_path / "parts")
    second.write_bytes(second.read_bytes()[:-9])

    # Wide enough for any folder's name, or a line's end would fall on one of its spaces.
    told = run_command("show", first, second, folder=tmp_path, COLUMNS="1000")

    lines = second.read_bytes().count(b"\n") + 1
    assert f"{second}: line {lines} left out" in told.stdout


async def test_what_is_lost_of_one_part_is_lost_of_the_turn_that_it_held(tmp_path):
    _, parts = await held(next(iter(LONG)), tmp_path)
    first, second = sorted(logs_in(parts), key=lambda log: read_log(log).header.time)
    lines = second.read_bytes().splitlines(keepends=True)
    (lost, *_) = (n for n, line in enumerate(lines) if b'"before_agent"' in line)
    follows = read_log(second).records[lost]  # the header is a line, too
    second.write_bytes(b"".join([*lines[:lost], *lines[lost + 1 :]]))

    trace = read_trace(first, second)

    (hole,) = trace.log.holes
    assert trace.log.records[hole].time == follows.time
    unknown = [turn.llm_calls is None for turn in measure(trace)]
    assert unknown == [False, True, *[False] * (len(unknown) - 2)]


async def test_copies_and_what_a_second_recorder_wrote_count_once(folders, tmp_path):
    whole, parts = map(logs_in, folders)
    shutil.copytree(folders[1], tmp_path / "copy")

    assert len(read_trace(*parts, *logs_in(tmp_path / "copy"), *whole).turns) == 3


async def test_what_every_worker_tells_anew_of_its_session_is_told_once(tmp_path):
    root = agent("Root", Scripted(script={"Root": ["1", "2", "3", "4"]}))
    service = InMemorySessionService()
    await service.create_session(app_name="app", **SESSION)
    pool = [run_worker(root, tmp_path / str(n), service) for n in range(2)]

    await say(pool[0])
    [answer] = await say(pool[1])
    await pool[0].rewind_async(**SESSION, rewind_before_invocation_id=answer.invocation_id)
    for runner in pool:
        await say(runner)

    findings = detect_findings(read_trace(*logs_in(tmp_path)))

    assert [(one.turn, one.text) for one in findings] == [
        (3, "The session was taken back to before turn 2.")
    ]
