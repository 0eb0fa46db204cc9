"""Specialists in another process, over A2A: real servers on 127.0.0.1, both sides in the figures.

The oracle of model calls is a file to which the app's own model appends a line a call, whichever
process asks it.
"""

import os
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import Flow
from adk_flow.comparison import fault_matrix, faults
from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.recommend import write_recommendation
from adk_flow.comparison.runner import compare
from adk_flow.log.reader import read_log
from adk_flow.run.app import load_app
from adk_flow.scenario.conversation import of_questions, read_conversation, with_state
from adk_flow.wiring import agents, peers
from tests.doubles.command import run_command
from tests.doubles.desk import CONSTRUCT_FOLDERS, ROOT
from tests.doubles.forked import ForkedPeers
from tests.doubles.served import Chat, serving

pytest.importorskip("a2a", reason="needs a2a-sdk")

APP = """
import os
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

CALLS = Path(__file__).with_name("calls.txt")


class Counted(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        agent = llm_request.config.labels["adk_agent_name"]
        with CALLS.open("a") as file:
            file.write(f"{os.getpid()} {agent}\\n")
        last = llm_request.contents[-1].parts[-1]
        answer = types.ModelContent(f"{agent} says 7.")
        if agent == "Lead" and not last.function_response:
            call = types.Part.from_function_call
            names = "Loans", "Funds"
            answer = types.ModelContent([call(name=n, args={"request": f"{n}?"}) for n in names])
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=100, candidates_token_count=10, total_token_count=110
        )
        yield LlmResponse(content=answer, usage_metadata=usage)


model = Counted(model="counted")
loans = LlmAgent(name="Loans", model=model, description="Lends.", instruction=LOANS)
funds = LlmAgent(name="Funds", model=model, description="Saves.")
tools = [AgentTool(loans), AgentTool(funds)]
root_agent = LlmAgent(name="Lead", model=model, tools=tools)
"""


def write_app(folder: Path, instruction: str = "") -> Path:
    folder.mkdir()
    (folder / "agent.py").write_text(APP.replace("LOANS", repr(instruction)))
    return folder


def calls_of(app: Path) -> Counter[tuple[int, str]]:
    lines = map(str.split, (app / "calls.txt").read_text().splitlines())
    return Counter((int(process), agent) for process, agent in lines)


def wait_for_end(process: int) -> None:
    """Waits for the end of a process that is no child of this one, or has ended."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return
    assert select.select([watched], [], [], 60)[0], "it runs on"
    os.close(watched)


@pytest.fixture
def forked_peers(monkeypatch):
    """Has the servers' process begin with ADK loaded; CI's have their own."""
    monkeypatch.setattr(peers, "subprocess", ForkedPeers)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remote")
    app = write_app(folder / "pair")
    talks = {"one": of_questions(["Go."]), "two": of_questions(["Go.", "And?"])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "subprocess", ForkedPeers)
        how = {"folder": folder / "out", "trials": 2, "calls": 1000}
        comparison = compare(app, talks, ["agent_tool", "remote"], **how)
    return app, folder / "out", comparison


def test_calls_of_both_processes_are_counted_and_one_process_serves_all_trials(compared):
    app, _, comparison = compared
    calls = calls_of(app)

    elsewhere = {process for process, _ in calls} - {os.getpid()}
    assert len(elsewhere) == 1
    (process,) = elsewhere
    # Six questions, each asked of two specialists.
    asked = {agent: count for (pid, agent), count in calls.items() if pid == process}
    assert asked == {"Loans": 6, "Funds": 6}
    assert sum(run.total.llm_calls for run in comparison.runs) == calls.total()
    remote = [run for run in comparison.runs if run.construct == "remote"]
    assert sum(run.total.llm_calls for run in remote) == 6 * 4
    wait_for_end(process)


def test_the_figures_are_those_of_agent_tool(compared):
    _, _, comparison = compared

    called, remote = (
        (figures.llm_calls, figures.tokens, figures.shown)
        for figures in map(comparison.figures_of, BOTH)
    )

    assert remote == called
    assert not comparison.setting.skipped
    (hidden,) = comparison.setting.changes["remote"]
    assert "state and artifacts" in hidden


BOTH = ("agent_tool", "remote")
PICTURE = """
    start user to Lead
    Lead -< Loans, Funds
    Lead -> Loans (agent_tool)
    Lead -> Funds (agent_tool)
    Lead <- Loans
    Lead <- Funds
    Lead >-
    end Lead to user
""".strip().splitlines()


def test_both_servers_and_the_lead_are_one_picture_of_one_trace(compared):
    _, out, _ = compared
    log = out / "logs" / "remote" / "two-1.jsonl"
    sides = sorted((out / "logs" / "remote" / "two-1").rglob("*.jsonl"))

    joined = Flow(read_trace(log, *sides))
    shown = run_command("show", log, *sides, folder=out).stdout

    for turn in joined.turns:  # of what runs at once, either may come first
        assert sorted(map(str.strip, turn.control)) == sorted(map(str.strip, PICTURE))
    assert "unknown calls" not in shown and shown.count("4 LLM calls (2 in ADK's session)") == 2
    traces = [traces_of(read_log(path)) for path in (log, *sides)]
    assert len(sides) == 4 and len(traces[0]) == 2
    assert set[str]().union(*traces[1:]) == traces[0] and "" not in traces[0]


def traces_of(log):
    """The traces of its turns."""
    return {r.trace for r in log.records if r.hook == "user_message" and not r.parent}


PLANNED = """
from google.adk.agents import LlmAgent


def balance(account: str) -> dict:
    "Looks up a balance."
    return {"balance": "not stubbed"}


helper = LlmAgent(name="Helper", model="offline", description="Helps.", tools=[balance])
bank = LlmAgent(name="Bank", model="offline", description="Banks.", sub_agents=[helper])
root_agent = LlmAgent(name="Lead", model="offline", sub_agents=[bank])
"""
PLAN = """
turns:
  - say: What is there?
    contains: ["{number} pounds"]
    specialist: Helper
    plan:
      - agent: Helper
        tools: [{{name: balance, args: {{account: a}}, returns: {{balance: "{number} pounds"}}}}]
"""


@pytest.mark.usefixtures("forked_peers")
def test_plans_of_the_same_words_play_at_once_each_for_its_own_trial(tmp_path):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "agent.py").write_text(PLANNED)
    talks = {}
    for number in range(8):
        file = tmp_path / f"{number}.yaml"
        file.write_text(PLAN.format(number=number))
        talks[file.stem] = read_conversation(file)

    comparison = compare(
        tmp_path / "bank", talks, ["agent_tool", "remote"], folder=tmp_path / "out", jobs=8
    )

    assert_equal(comparison, passed=8)


def assert_equal(comparison, passed):
    """Both constructs passed so often, and took the same."""
    called, remote = ([r for r in comparison.runs if r.construct == c] for c in BOTH)
    assert [run.failed_checks for run in remote] == [[[] for _ in run.turns] for run in remote]
    assert len(remote) == passed
    for one, other in zip(called, remote, strict=True):
        assert [(t.answer, t.llm_calls, t.tokens, t.tool_calls) for t in one.turns] == [
            (t.answer, t.llm_calls, t.tokens, t.tool_calls) for t in other.turns
        ]


@pytest.mark.usefixtures("forked_peers")
def test_the_desk_of_this_construct_answers_as_that_of_agent_tool(tmp_path):
    talk = ROOT / "conversations" / "needs_another.yaml"
    turns, told = [], {}
    for construct in BOTH:
        log = tmp_path / f"{construct}.jsonl"
        arguments = ["run", CONSTRUCT_FOLDERS / construct, "--conversation", talk, "--log", log]
        told[construct] = run_command(*arguments, folder=tmp_path)
        assert told[construct].returncode == 0
        turns.append(Flow(read_trace(log, *log.with_suffix("").rglob("*.jsonl"))).figures)

    for one, other in zip(*turns, strict=True):
        assert (one.read, one.llm_calls, one.tokens) == (other.read, other.llm_calls, other.tokens)
    # What is printed as it happens is of this process; at the end the other's is known, too.
    last = " ".join(told["remote"].stdout.partition("With its A2A servers")[2].split())
    assert f"{sum(turn.llm_calls for turn in turns[0])} LLM calls (" in last
    assert "unknown calls" not in last and "A2A servers" not in told["agent_tool"].stdout


@pytest.mark.environments
def test_adks_web_server_plays_plans_and_the_offline_model_in_both_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    (turn,) = read_conversation(ROOT / "conversations" / "two_in_one_message.yaml").turns
    with serving(CONSTRUCT_FOLDERS, tmp_path) as client:
        Chat(client, "remote").say([turn.say, "How much stamp duty on £300,000?"])

    first, *sides = sorted(tmp_path.rglob("*.jsonl"), key=lambda log: "remote" not in log.parts)
    planned, offline = Flow(read_trace(first, *sides)).turns

    # Two calls of the lead, two of each specialist.
    assert [(flow.llm_calls, flow.agent_calls) for flow in (planned, offline)] == [(6, 2), (4, 1)]
    assert "5,000" in offline.answer


@pytest.mark.environments
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_process_ends_with_the_command_however_that_ends(end, tmp_path):
    app = write_app(tmp_path / "pair")
    hanging = app / "agent.py"
    hanging.write_text(hanging.read_text().replace("        last =", WAIT))
    arguments = ["compare", app, "--constructs", "remote", "--question", "Go."]
    command = [sys.executable, "-W", "ignore", "-m", "adk_flow", *arguments, "--max-calls", "99"]
    os.mkfifo(tmp_path / "asked")
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)

    with (tmp_path / "asked").open() as asked:
        process = int(asked.readline())
    running.send_signal(end)

    assert running.wait() in (-end, 128 + end)
    wait_for_end(process)


WAIT = """
        import asyncio, sys
        if agent == "Loans" and "adk_flow.wiring.server" in sys.orig_argv:
            CALLS.parents[1].joinpath("asked").write_text(f"{os.getpid()}\\n")
            await asyncio.Event().wait()
        last ="""


@pytest.mark.usefixtures("forked_peers")
def test_what_stands_against_it_is_told_in_its_row(tmp_path, monkeypatch):
    app = write_app(tmp_path / "stateful", "You know {region}.")
    options = {"folder": tmp_path / "out", "calls": 99}
    talk = {"one": with_state(of_questions(["Go."]), {"region": "Wales"})}

    remote = compare(app, talk, ["remote"], **options)
    loaded = compare(load_app(app), talk, ["remote"], **options)
    monkeypatch.setattr(agents, "find_spec", lambda name: None)
    bare = compare(app, talk, ["remote"], **options)

    changes = remote.setting.changes["remote"]
    assert "Loans, whose instruction needs region of the state, fails" in changes
    failed = {r.construct: [m.source for m in r.moves if m.failed] for r in remote.runs}
    assert failed == {"as_is": [], "remote": ["Loans"]}
    assert "take remote" not in " ".join(write_recommendation(remote))
    assert "path of the app" in loaded.setting.skipped["remote"]
    assert bare.setting.skipped["remote"].endswith("extra `a2a`")
    monkeypatch.setattr(agents.sys, "platform", "win32")
    windows = compare(app, talk, ["remote"], **options)
    assert "which Windows does not allow" in windows.setting.skipped["remote"]


@pytest.mark.usefixtures("forked_peers")
def test_a_budget_counts_the_calls_of_both_processes_and_ends_them(tmp_path):
    app = write_app(tmp_path / "limited")
    talks = {f"{number}": of_questions(["Go."]) for number in range(3)}

    # Twelve calls of `as_is` first, and of each turn of `remote` two here and two there.
    comparison = compare(
        app, talks, ["remote"], folder=tmp_path / "out", calls=6, jobs=1, baseline="as_is"
    )

    assert calls_of(app).total() == 6
    assert "6 model calls is spent" in comparison.setting.stopped


ONCE = """
try:
    Path(__file__).with_name("taken").touch(exist_ok=False)
except FileExistsError:
    raise RuntimeError("the port is taken") from None
"""


@pytest.mark.usefixtures("forked_peers")
def test_an_app_that_loads_but_once_is_left_out_in_one_line(tmp_path):
    app = write_app(tmp_path / "once")
    (app / "agent.py").write_text((app / "agent.py").read_text() + ONCE)

    comparison = compare(
        app, {"one": of_questions(["Go."])}, ["remote"], folder=tmp_path / "out", calls=9
    )

    reason = comparison.setting.skipped["remote"]
    assert "the port is taken" in reason and "\n" not in reason


def test_a_comparison_of_the_logs_joins_what_servers_recorded(compared):
    _, out, comparison = compared
    logs = sorted((out / "logs").rglob("*.jsonl"))

    again = compare_logs(logs)

    for name in ("as_is", *BOTH):
        one, other = again.figures_of(name), comparison.figures_of(name)
        assert (one.llm_calls, one.tokens, one.runs) == (other.llm_calls, other.tokens, other.runs)


@pytest.mark.environments
def test_a_fault_strikes_in_the_other_process_where_it_ends_no_turn(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(fault_matrix, "FAULT_KINDS", ("raises", "hangs", "poisoned tool"))
    monkeypatch.setattr(faults, "SECONDS_ELSEWHERE", 10)
    (tmp_path / "pair_of_two").mkdir()
    (tmp_path / "pair_of_two" / "agent.py").write_text(TWO)

    matrix = compare(
        tmp_path / "pair_of_two", {}, [*BOTH], folder=tmp_path / "out", faults=True
    ).faults

    cells = {
        (name, kind): matrix.cell(name, kind) for name in BOTH for kind in fault_matrix.FAULT_KINDS
    }
    assert all(cell.struck for cell in cells.values())
    # ADK lets an exception of an AgentTool's child cancel the others; over A2A it is an answer.
    raised = [cells[name, "raises"] for name in BOTH]
    assert [(cell.end, cell.answer) for cell in raised] == [("error", "none"), ("itself", "part")]
    assert [cell.siblings for cell in raised] == [{"Funds": "cancelled"}, {"Funds": "read"}]
    # One that hangs is given up, and nothing is said of it on either side.
    assert cells["remote", "hangs"].end == "limit"
    assert capfd.readouterr() == ("", "")


TWO = """
from google.adk.agents import LlmAgent


def balance(account: str) -> dict:
    "Looks up a balance."
    return {"balance": 5}


loans = LlmAgent(name="Loans", model="offline", description="Lends.", tools=[balance])
funds = LlmAgent(name="Funds", model="offline", description="Saves.")
root_agent = LlmAgent(name="Lead", model="offline", sub_agents=[loans, funds])
"""
