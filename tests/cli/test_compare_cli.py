"""The command `adk-flow compare` as a user types it."""

import json
import re
from pathlib import Path

import pytest

from adk_flow.cli import main
from tests.doubles.command import assert_refused, run_command, write_app
from tests.doubles.forked import run_forked

ROOT = Path(__file__).parents[2]
DESK = ROOT / "root_agent"
FOLLOW_UP = ROOT / "conversations" / "follow_up.yaml"

CALLS = {
    "as_is": "3→5",
    "single_agent": "2→4",
    "transfer": "3→5",
    "agent_tool": "4→8",
    "agent_tool_skip_summarization": "3→6",
    "single_turn": "4→8",
    "task": "4→8",
    "router": "3→6",
}


def compare(*arguments, folder, **environment):
    return run_command("compare", *arguments, folder=folder, MODEL_NAME="offline", **environment)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The desk under seven constructs, asked one question and then followed up."""
    folder = tmp_path_factory.mktemp("table")
    result = compare(
        *(DESK, "--constructs", ",".join(CALLS), "--conversation", FOLLOW_UP, "--out", "out"),
        folder=folder,
    )
    assert result.returncode == 0, result.stderr
    return folder, result


def test_the_verdict_is_printed_on_one_screen_and_the_page_written(table):
    folder, result = table

    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 24
    assert any("take router if specialists may receive" in line for line in lines)
    rows = {words[0]: words[1] for line in lines if " 1 of 1" in line and (words := line.split())}
    assert {name: CALLS[name].partition("→")[2] for name in rows} == rows
    assert {"router", "agent_tool_skip_summarization", "as_is"} <= set(rows)
    assert lines[-1] == "All figures (here: --verbose): out/report.html"
    page = (folder / "out" / "report.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert page.count("<script") == 1
    for link in set(re.findall('href="(flows/.*?)"', page)):
        file, _, place = link.partition("#")
        proof = (folder / "out" / file).read_text()
        for kind, number in re.findall(r"(turn|record)-(\d+)", place):
            assert f'id="{"detail" if kind == "record" else kind}-{number}"' in proof
    assert len(list((folder / "out" / "flows").rglob("*.html"))) == len(CALLS)


def test_all_tables_are_printed_if_asked_for_and_nothing_is_run_again(table):
    folder, _ = table
    logs = sorted((folder / "out" / "logs").rglob("*.jsonl"))
    before = [log.stat().st_mtime_ns for log in logs]

    result = compare(
        *(DESK, "--constructs", ",".join(CALLS), "--conversation", FOLLOW_UP, "--out", "out"),
        *("--verbose",),
        folder=folder,
    )

    rows = [line.split() for line in result.stdout.splitlines() if "→" in line]
    assert {row[0]: row[1] for row in rows if len(row) == 2} == CALLS
    assert [log.stat().st_mtime_ns for log in logs] == before
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_results_hold_true_and_reported_calls_and_where_the_logs_lie(table):
    folder, _ = table

    results = json.loads((folder / "out" / "results.json").read_text())

    by_name = {figures["construct"]: figures for figures in results["constructs"]}
    assert {name: figures["after_turns"]["follow_up"] for name, figures in by_name.items()} == {
        name: [float(calls) for calls in after.split("→")] for name, after in CALLS.items()
    }
    hidden = {name: one["hidden_llm_calls"] for name, one in by_name.items()}
    assert {name: calls for name, calls in hidden.items() if calls} == {
        "agent_tool": 4,
        "agent_tool_skip_summarization": 4,
    }
    # Nobody but one specialist and the user says anything here.
    shown = {"single_agent": "one agent", "transfer": "user", "agent_tool": "request"}
    assert {name: by_name[name]["shown"] for name in shown} == shown
    assert all((folder / run["log"]).is_file() for run in results["runs"])
    assert (results["kind"], results["models"]) == ("controlled", ["planned"])
    assert len(results["adk"]) == 1


def test_logs_that_exist_are_compared(table):
    folder, _ = table
    logs = [
        folder / "out" / "logs" / name / "follow_up-1.jsonl" for name in ("agent_tool", "transfer")
    ]

    result = compare(*logs, "--format", "markdown", "--baseline", "transfer", folder=folder)

    assert result.returncode == 0, result.stderr
    assert "4→8" in result.stdout
    assert "transfer" in result.stdout


def test_a_comparisons_own_lines_are_passed_over_where_its_logs_are_exported(table):
    exported = run_command("export", "out", "--out", "tables", folder=table[0])

    assert (exported.returncode, exported.stderr) == (0, "")


def test_logs_are_told_apart_by_what_was_said(table, tmp_path):
    logs = table[0] / "out" / "logs"
    (tmp_path / "cut.jsonl").write_bytes((logs / "transfer/follow_up-1.jsonl").read_bytes()[:3000])

    twice = compare(
        logs / "task/follow_up-1.jsonl", logs / "task/follow_up-1.jsonl", folder=tmp_path
    )
    assert_refused(twice, "is given twice")
    cut = compare(tmp_path / "cut.jsonl", logs / "task/follow_up-1.jsonl", folder=tmp_path)
    assert_refused(cut, "these logs hold no conversation in common")


def test_a_cut_log_does_not_win(table, tmp_path):
    logs = table[0] / "out" / "logs"
    whole = (logs / "transfer/follow_up-1.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(whole[:-1]))

    result = compare(tmp_path / "cut.jsonl", logs / "task/follow_up-1.jsonl", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    words = " ".join(result.stdout.split())
    assert "The cheapest that ran is task" in words
    assert "1 of 2 logs are cut or damaged; they count as failed." in words


STOPPING = """
import os, signal
from google.adk.agents import LlmAgent

begun = []

def stop_in_the_third_run(callback_context):
    begun.append(callback_context.session.id)
    if len(begun) == 3 and "STOP" in os.environ:
        signal.raise_signal(signal.SIGINT)

root_agent = LlmAgent(name="Lead", model="offline", before_agent_callback=stop_in_the_third_run)
"""


def test_ctrl_c_keeps_what_ran_and_the_same_command_goes_on(tmp_path):
    write_app(tmp_path / "desk", STOPPING)
    arguments = (
        *("compare", "desk", "--constructs", "as_is", "--question", "Hi", "--model", "offline"),
        *("--trials", "4", "--jobs", "1", "--out", "out"),
    )
    stopped = run_forked(main, *arguments, folder=tmp_path, STOP="1")

    assert stopped.returncode == 130, stopped.stderr
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("adk-flow: stopped; ")
    assert last.endswith("are kept in out; the same command continues")
    first = tmp_path / "out" / "trials"
    assert [len(file.read_text().splitlines()) for file in first.iterdir()] == [2]
    assert not list(tmp_path.rglob("*.part"))
    done = run_command(*arguments, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Cannot compare: no construct answered" in done.stdout
    assert "2 of 4 runs" in done.stderr
    assert [len(file.read_text().splitlines()) for file in first.iterdir()] == [2, 2]


TRANSFER = (DESK, "--constructs", "transfer")
ASKED = ("--conversation", FOLLOW_UP)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [DESK, *ASKED, "--constructs", "handoff"],
            "--constructs handoff: unknown; known are all, as_is",
        ),
        ([DESK, *ASKED, "--constructs", ","], "--constructs: names none"),
        (
            [*TRANSFER, *ASKED, "--baseline", "loop"],
            "--baseline loop: is not compared; there are as_is, transfer",
        ),
        (
            [*TRANSFER, *ASKED, "--latency", "gpt-9"],
            "--latency gpt-9: unknown; take one of gemini-2.5-flash",
        ),
        (
            [*TRANSFER, *ASKED, "--real-latency", "--latency", "none"],
            "--real-latency: needs a latency profile",
        ),
        (
            [*TRANSFER, *ASKED, "--model", "nosuch"],
            "--model nosuch: is not a known model",
        ),
        (
            [*TRANSFER, *ASKED, "--model", "gemini-2.5-flash"],
            "gemini-2.5-flash is a live model: say what the comparison may spend",
        ),
        ([*TRANSFER, *ASKED, "--out", "file/out"], "--out file/out: cannot be written"),
        (
            [DESK, "--conversation", "stranger.yaml"],
            "conversation stranger: the app has no agent 'Mortgage_agent'; there are Root_Ag",
        ),
        (
            [DESK, "--conversation", "plan.yaml"],
            "conversation plan: turns[0].plan[1].agent: the app has no agent 'Loan_Agent'; there",
        ),
        ([DESK], "give --conversation FILE_OR_FOLDER, or --question"),
        ([DESK, "--conversation", "empty"], "empty: holds no conversation"),
        (["empty", *ASKED], "empty: cannot be loaded as an ADK app"),
        (["none", *ASKED], "none: does not exist"),
        (["newer.jsonl"], "newer.jsonl: line 1: flow log of schema 99"),
        (["other.jsonl"], "other.jsonl: line 1: no flow log"),
        (["gone.jsonl"], "gone.jsonl: cannot be read"),
        (["gone.jsonl", "--constructs", "task"], "--constructs: is for an app; flow logs are"),
        (["gone.jsonl", "--budget", "0"], "--budget: is for an app; flow logs are compared as"),
        ([DESK, "none"], "none: give either one app, or flow logs"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path, arguments, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "newer.jsonl").write_text('{"flow_log":99}\n')
    (tmp_path / "other.jsonl").write_text("hello\n")
    (tmp_path / "stranger.yaml").write_text(
        "turns:\n  - say: Cost?\n    specialist: Mortgage_agent\n"
    )
    # `coordinator` is the name of a construct's own graph.
    (tmp_path / "plan.yaml").write_text(
        "turns:\n- say: Cost?\n  plan: [{agent: coordinator, says: a}, {agent: Loan_Agent}]"
    )

    assert_refused(compare(*arguments, folder=tmp_path, GOOGLE_API_KEY="none"), words)


QUIET = """
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types

class Quiet(BaseLlm):
    "A provider that sends no token counts."
    model: str = "gpt-4o-mini"
    async def generate_content_async(self, llm_request, stream=False):
        yield LlmResponse(content=types.ModelContent("Hello."))

helper = LlmAgent(name="Helper", model=Quiet(), description="Helps.")
root_agent = LlmAgent(name="Lead", model=Quiet(), instruction="Lead.", sub_agents=[helper])
"""


def quiet_app(folder):
    write_app(folder / "quiet", QUIET)
    return "quiet"


def test_a_budget_in_dollars_asks_for_one_in_calls_where_no_tokens_are_reported(tmp_path):
    options = ("--question", "Hi?", "--constructs", "transfer,agent_tool", "--budget", "1")

    result = compare(quiet_app(tmp_path), *options, folder=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert "--max-calls: expected, because gpt-4o-mini reports no tokens" in result.stderr

    unlimited = compare("quiet", *options[:-1], "nan", folder=tmp_path)
    assert_refused(unlimited, "--budget nan: is no number of US dollars")


def test_what_a_model_does_not_report_is_unknown_and_wins_nothing(tmp_path):
    options = ("--question", "Hi?", "--constructs", "transfer,agent_tool", "--max-calls", "9")

    result = compare(quiet_app(tmp_path), *options, "--format", "json", folder=tmp_path)

    assert result.returncode == 1, result.stderr
    figures = json.loads(result.stdout)
    for construct in figures["constructs"]:
        assert construct["llm_calls"] == construct["reported_llm_calls"] == 1
        assert construct["tokens"] is construct["dollars"] is construct["reported_tokens"] is None
    assert not [winner for winner in figures["winners"] if winner["figure"] == "tokens"]
    (said,) = figures["recommendation"]
    assert said.startswith("Cannot compare costs: a model reported no tokens.")
