"""Commands that a signal ends, in processes of their own, at a moment that the app tells."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from adk_flow.cli import main
from tests.doubles.forked import forked

KEYLESS = """
import os
from google.adk.agents import LlmAgent

def block(callback_context):
    with open(os.environ["MARK"], "w") as mark:
        mark.write(".")
    while True:
        pass

root_agent = LlmAgent(name="Lead", model="offline", before_agent_callback=block)
"""
APP = """
import asyncio, os, signal, time
from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm

def tell():
    open(os.environ["MARK"], "w").close()  # a pipe: waits until the test reads

class Busy(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        tell()
        await BUSY[os.environ["BUSY"]]()
        yield

async def wait():
    await asyncio.Event().wait()

async def block():
    time.sleep(600)

async def block_a_thread():
    await asyncio.to_thread(time.sleep, 600)

async def go_on():
    while True:
        try:
            await wait()
        except asyncio.CancelledError:
            pass

async def fail():
    try:
        await wait()
    finally:
        asyncio.get_running_loop().create_task(wait())
        raise ValueError("in the end")

BUSY = {each.__name__: each for each in (wait, block, block_a_thread, go_on, fail)}
root_agent = LlmAgent(name="Lead", model=Busy(model="busy"))
"""
UV = '#!/bin/sh\necho > "$MARK"\nexec sleep 600\n'
COMMANDS = {
    "run": ("run", "desk", "Hi", "--log", "log.jsonl"),
    "check": ("check", "desk", "--expect", "rules.yaml"),
    "compare": (
        *("compare", "desk", "--constructs", "as_is", "--question", "Hi", "--max-calls", "9"),
        *("--out", "out", "--latency", "none"),
    ),
    "versions": (
        *("versions", "desk", "--adk", "2.12.0", "--adk", "2.13.0", "--question", "Hi"),
        *("--environments", "kept"),
    ),
}
KEPT = {
    "run": "what was recorded is kept in log.jsonl",
    "check": "what was recorded is kept in flow_logs/desk/",
    "compare": "0 runs are kept in out; the same command continues",
    "versions": "complete environments are kept in ",
}
PROGRESS = re.compile(r"0 of [148] runs$|adk-flow: ADK 2\.12\.0: making")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
WAYS = [
    *(("run", "wait", [number]) for number in CODES),
    *(("run", busy, [signal.SIGINT]) for busy in ("block", "block_a_thread", "go_on", "fail")),
    ("run", "block", [signal.SIGINT, signal.SIGINT]),
    ("check", "block", [signal.SIGTERM]),
    ("compare", "block", [signal.SIGINT]),
    ("versions", "wait", [signal.SIGTERM]),
]


def write_desk(folder):
    folder.mkdir(mode=0o700)
    (folder / "desk").mkdir()
    (folder / "desk" / "agent.py").write_text(APP)
    (folder / "rules.yaml").write_text("hold: [Hi]\nllm_calls: 1\n")
    (folder / "uv").write_text(UV)
    (folder / "uv").chmod(0o755)
    os.mkfifo(folder / "mark")
    return folder


def started(command, busy, folder):
    path = f"{folder}:{os.environ['PATH']}"
    mark = str(folder / "mark")
    return forked(main, *COMMANDS[command], folder=folder, PATH=path, BUSY=busy, MARK=mark)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none of these signals")
def test_a_signal_ends_a_command_with_one_line(tmp_path):
    folders = [write_desk(tmp_path / str(number)) for number in range(len(WAYS))]
    with ExitStack() as stack:
        # At once, as some wait a second for what does not end by itself.
        processes = [
            stack.enter_context(started(command, busy, folder))
            for (command, busy, _), folder in zip(WAYS, folders, strict=True)
        ]
        for process, (*_, signals), folder in zip(processes, WAYS, folders, strict=True):
            (folder / "mark").read_text()
            for number in signals:
                process.send_signal(number)
        ends = [(process.wait(), process.stderr.read()) for process in processes]

    for (command, busy, signals), (code, errors) in zip(WAYS, ends, strict=True):
        (line,) = [line for line in errors.splitlines() if not PROGRESS.match(line)]
        assert line.startswith(f"adk-flow: stopped; {KEPT[command]}"), (command, busy)
        assert code == CODES[signals[0]], (command, busy)


def in_a_terminal(folder, mark, *words):
    """Starts a comparison of the desk, whose processes get a terminal's signals."""
    command = (sys.executable, "-m", "adk_flow", "compare", "desk", "--constructs", "as_is")
    return subprocess.Popen(
        [*command, "--question", "Hi", "--out", "out", *words],
        cwd=folder,
        env={**os.environ, "MARK": str(mark)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in CODES],
    )


def end_all(process, number):
    """Sends all its processes a signal; one line tells of it."""
    os.killpg(process.pid, number)
    # Comes to its end only when every process that inherited the pipe has ended.
    _, errors = process.communicate(timeout=60)

    (line,) = [line for line in errors.splitlines() if not PROGRESS.match(line)]
    assert line == "adk-flow: stopped; 0 runs are kept in out; the same command continues"
    assert process.returncode == CODES[number]


@pytest.mark.environments
@pytest.mark.parametrize("number", CODES)
def test_a_signal_to_all_processes_of_a_terminal_ends_them_with_one_line(number, tmp_path):
    folder = write_desk(tmp_path / "terminal")
    (folder / "desk" / "agent.py").write_text(KEYLESS)
    process = in_a_terminal(folder, folder / "mark", "--trials", "8", "--jobs", "3")
    with (folder / "mark").open("rb+", buffering=0) as marks:  # never at its end
        for _ in range(3):  # each of its processes is at work
            marks.read(1)
    end_all(process, number)
