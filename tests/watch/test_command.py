"""`adk-flow watch` in processes of its own, beside other commands and started by a recorder."""

import asyncio
import json
import os
import re
import signal
import sys
import textwrap
from subprocess import PIPE, Popen

import httpx
import pytest

from adk_flow.cli import main
from adk_flow.record.plugin import FlowPlugin
from adk_flow.render.documents import SCHEMAS
from tests.doubles.command import assert_refused, run_command
from tests.doubles.forked import forked
from tests.watch.logs import record_desk

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def test_a_program_reads_the_address_the_folder_and_whom_to_end(tmp_path):
    said = "print('said by the other')"
    words = (tmp_path, "--format", "json", "--with", sys.executable, "-c", said)
    with forked(main, "watch", *words) as process:
        started = json.loads(process.stdout.read())

    assert started["address"].startswith("http://127.0.0.1:")
    assert (started["folder"], started["pid"]) == (str(tmp_path), process.process.pid)


def address_in(stream):
    return next(found[0] for line in stream if (found := re.search(r"http://\S+", line)))


@pytest.mark.parametrize("number", CODES)
def test_a_signal_ends_it_though_a_page_is_open(number, tmp_path):
    with forked(main, "watch", tmp_path) as process:
        address = address_in(process.stdout)
        with httpx.stream("GET", f"{address}events", timeout=60) as stream:
            assert stream.status_code == 200
            process.send_signal(number)

            assert process.wait() == CODES[number]
        assert process.stderr.read() == "adk-flow: stopped\n"


def test_another_command_runs_beside_it_with_its_own_options_and_gives_its_exit_code(tmp_path):
    told = "import os, sys; print(os.environ['ADK_FLOW_DIR'], sys.argv[1:]); sys.exit(3)"
    words = (tmp_path / "logs", "--with", sys.executable, "-c", told, "--port", "80", "--help")
    with forked(main, "watch", *words) as process:
        address, other = process.stdout.read().splitlines()
        code = process.wait()

    assert address.startswith("Flows: http://127.0.0.1:")
    assert other == f"{tmp_path / 'logs'} ['--port', '80', '--help']"
    assert code == 3


def test_a_signal_ends_the_other_command_too(tmp_path):
    told = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with forked(main, "watch", tmp_path, "--with", sys.executable, "-c", told) as process:
        address_in(process.stdout)
        other = int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)

        assert process.wait() == 143
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: no such folder or flow log"),
        (["page.html"], "page.html: is no flow log; expected one, or a folder of them"),
        (["--with"], "--with needs a command"),
        (["--with", "no-such-program"], "no-such-program: cannot be run"),
        (["--port", "99999"], "--port 99999: cannot be had"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(arguments, words, tmp_path):
    (tmp_path / "page.html").write_text("<!DOCTYPE html>")
    result = run_command("watch", *arguments, folder=tmp_path)

    assert_refused(result._replace(stdout=re.sub("Flows: .*\n", "", result.stdout)), words)


def test_a_recorder_starts_the_page_which_ends_with_the_app(tmp_path):
    app = textwrap.dedent("""
        import sys
        from adk_flow import FlowPlugin
        for _ in range(2):
            FlowPlugin(directory=sys.argv[1], watch=True)
        sys.stdin.read()
    """)
    words = [sys.executable, "-c", app, str(tmp_path)]
    with Popen(words, stdin=PIPE, stderr=PIPE, text=True) as process:
        address = address_in(process.stderr)
        assert "Nothing recorded yet" in httpx.get(address, timeout=60).text
        process.stdin.close()
        process.wait()
        # Whoever holds the other end of the pipe has ended.
        assert "http" not in process.stderr.read()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


async def test_an_app_that_has_a_recorder_is_not_recorded_twice(tmp_path):
    extra = FlowPlugin(name="adk_flow.FlowPlugin", directory=tmp_path / "extra")

    flow = await record_desk(tmp_path / "own", plugins=[extra])

    assert len(flow.turns) == 2
    assert not (tmp_path / "extra").exists()


def test_show_follows_a_log_while_it_grows(tmp_path):
    asyncio.run(record_desk(tmp_path))
    (log,) = tmp_path.rglob("*.jsonl")
    lines = log.read_bytes().splitlines(keepends=True)
    second = next(i for i, line in enumerate(lines) if b"where do I save" in line)
    log.write_bytes(b"".join(lines[:second]))
    with forked(main, "show", tmp_path, "--follow") as process:
        assert any("It is 5%." in line for line in process.stdout)
        with log.open("ab") as file:
            file.writelines(lines[second:])
        assert any("Root transfers to Savings" in line for line in process.stdout)
        with forked(main, "show", tmp_path, "--follow", "--format", "json") as other:
            assert json.loads(other.stdout.readline())["schema"] == SCHEMAS["record"]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
