"""The tools of coding agents, as a client of their protocol uses them on an app."""

import asyncio
import json
import os
import select
import sys

import pytest

from tests.doubles.command import APP, assert_refused, run_command, write_app

pytest.importorskip("mcp.server.mcpserver", reason="needs mcp 2")

from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from adk_flow.cli.mcp_tools import make_server


def started(folder):
    command = {"command": sys.executable, "args": ["-m", "adk_flow", "mcp"]}
    return stdio_client(StdioServerParameters(**command, cwd=folder, env=dict(os.environ)))


@pytest.fixture
def project(tmp_path):
    write_app(tmp_path / "desk", f"print('noise on stdout')\n{APP}")
    (tmp_path / "rules.yaml").write_text("llm_calls: 0\n")
    (tmp_path / "wrong.yaml").write_text("no_such_rule: 1\n")
    return tmp_path


@pytest.mark.environments  # for its time: every tool runs in a process that imports ADK
async def test_the_tools_give_what_the_commands_print(project):
    runs = []

    async def note_progress(progress, total, message):
        runs.append((progress, total))

    how = {"constructs": "transfer,agent_tool", "question": ["--out=Cost?"], "model": "offline"}
    calls = {
        "inspect": {"app": "desk"},
        "compare": {"app": "desk", "out": "measured", **how},
        "check": {"subjects": ["measured/logs/transfer"], "expect": "rules.yaml"},
        "plan": {"app": "desk"},
    }
    async with Client(started(project)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        given = {
            name: await client.call_tool(name, calls[name], None, note_progress) for name in calls
        }
        unfit = await client.call_tool("inspect", {"app": "a\0b"})
        refused = await client.call_tool("check", {**calls["check"], "expect": "wrong.yaml"})

    assert sorted(names) == ["check", "compare", "inspect", "plan"]
    assert runs == sorted(runs)
    assert (runs[0], runs[-1]) == ((0, 3), (3, 3))
    data = {name: json.loads(text(given[name])) for name in names if name != "plan"}
    assert data["inspect"] == printed(project, "inspect", "desk")
    checked = ("check", "measured/logs/transfer", "--expect", "rules.yaml")
    assert data["check"] == printed(project, *checked, code=1)
    measured = json.loads((project / "measured" / "results.json").read_text())
    assert {**data["compare"], "runs": measured["runs"]} == measured
    assert [run["turns"][0]["question"] for run in measured["runs"]] == ["--out=Cost?"] * 3

    failed = {"plan": given["plan"], "check": refused, "inspect": unfit}
    assert all(result.is_error for result in failed.values())
    assert "inspect: cannot be run: embedded null byte" in text(unfit)
    assert "give --question" in text(failed["plan"])
    assert "wrong.yaml: line 1: " in text(failed["check"])


async def test_an_argument_that_a_tool_has_not_is_refused_in_one_line():
    async with Client(make_server()) as client:
        (schema,) = [t.input_schema for t in (await client.list_tools()).tools if t.name == "plan"]
        refused = await client.call_tool("plan", {"app": "desk", "questions": ["a\nb?"]})

    assert refused.is_error and schema["additionalProperties"] is False
    assert text(refused) == "plan takes app, question and log, not questions"


def text(result):
    """Gives the first text of a tool's result."""
    return next(each.text for each in result.content if isinstance(each, TextContent))


def printed(folder, *words, code=0):
    """Gives the JSON that a command prints."""
    done = run_command(*words, "--format", "json", folder=folder)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


async def test_a_command_ends_with_the_call_that_asked_for_it(project):
    # The command waits to read a pipe; when its process ends, nobody is left to read.
    os.mkfifo(project / "pipe")

    async with Client(started(project)) as client:
        arguments = {"subjects": ["measured"], "expect": "pipe"}
        call = asyncio.create_task(client.call_tool("check", arguments))
        with await asyncio.to_thread(open, project / "pipe", "w") as pipe:
            watch = select.poll()
            watch.register(pipe, 0)
            call.cancel()
            [(_, event)] = await asyncio.to_thread(watch.poll)

    assert event == select.POLLERR


def test_without_the_sdk_one_line_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "adk_flow.cli.mcp_tools", raising=False)

    assert_refused(run_command("mcp", folder=tmp_path), "extra `mcp`")
