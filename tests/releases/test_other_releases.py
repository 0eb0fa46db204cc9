"""What other releases of ADK do, as far as it can be done with this one; and the real ones."""

import inspect
import shlex
from itertools import product
from typing import get_type_hints
from unittest import mock

import pytest
from google.adk.agents import BaseAgent, SequentialAgent
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.plugins.plugin_manager import PluginManager
from google.adk.runners import InMemoryRunner, Runner
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool
from google.genai import types
from typer.testing import CliRunner

from adk_flow.analysis.run_metrics import measure_run
from adk_flow.analysis.trace_reader import TraceReader, read_trace
from adk_flow.check.flow import Flow
from adk_flow.cli import make_command
from adk_flow.log.schema import Record
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.activations import kind_of
from adk_flow.record.hookless_errors import watch_errors
from adk_flow.record.plugin import FlowPlugin
from adk_flow.releases.hook_trace import count_hooks, read_hook_calls
from callbacks import tool_threads
from tests.doubles.desk import ROOT
from tests.doubles.flow import agent, record
from tests.releases.faked import UNTOLD, invoke
from tools import checks, savings


async def test_plugins_that_an_agent_tool_closes_record_on(tmp_path):
    """ADK 1.39.1 and 2.0.0 close the plugins that a nested run shares with its caller."""
    recorder = FlowPlugin(directory=tmp_path)

    class Closing(BasePlugin):
        async def after_run_callback(self, *, invocation_context):
            await recorder.close()

    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    runner = InMemoryRunner(app=App(name="app", root_agent=root, plugins=[recorder, Closing("c")]))
    await runner.run_debug("?", quiet=True)
    await runner.close()

    trace = read_trace(recorder.paths[0])
    assert [one.run for one in trace.log.records if one.hook == "before_run"] == [1, 2]
    assert [move.kind for move in trace.moves][-3:] == ["return", "reply", "end"]


@pytest.fixture
def untold(monkeypatch):
    """ADK 2.0.0 never calls after_run, ADK 1 not after a fault."""
    monkeypatch.setattr(FlowPlugin, "after_run_callback", mock.AsyncMock(return_value=None))


async def test_a_turn_whose_end_no_hook_tells_is_followed_by_the_next(tmp_path, untold):
    root = agent("Root", Scripted(script={"Root": ["a", "b"]}))

    flow = await record(root, ["?", "!"], tmp_path)

    assert [move.turn for move in flow.moves if move.kind == "reply"] == [1, 2]


@pytest.mark.parametrize(("adk", "is_cut"), [("2.0.0", False), ("2.1.0", False), ("2.2.0", True)])
async def test_a_log_of_a_release_that_tells_no_end_is_not_called_cut(
    adk, is_cut, tmp_path, monkeypatch, untold
):
    monkeypatch.setattr("adk_flow.record.recorder._ADK", adk)
    held = await record(agent("Root", Scripted(script={"Root": ["a"]})), ["?"], tmp_path)

    shown = CliRunner().invoke(make_command(), ["show", held.log.path]).stdout
    run = measure_run(held.trace, construct="transfer", conversation="one")

    assert bool(Flow(held.trace).faults) == is_cut
    assert ("cut or cancelled" in shown) == is_cut
    assert (run.is_whole, run.passed) == (not is_cut, not is_cut)


@pytest.fixture
def silent_errors(monkeypatch):
    """ADK before 2.5 has no hooks of what ends a run or an agent."""
    for name in ("on_run_error_callback", "on_agent_error_callback"):
        monkeypatch.delattr(BasePlugin, name)
        monkeypatch.setattr(PluginManager, f"run_{name}", mock.AsyncMock(return_value=None))
    for kind, name in product((Runner, BaseAgent), ("run_async", "run_live")):
        monkeypatch.setattr(kind, name, getattr(kind, name))  # to be put back
    watch_errors.cache_clear()
    yield
    watch_errors.cache_clear()


async def test_errors_that_no_hook_tells_are_told_as_those_that_one_does(tmp_path, request):
    async def fail(folder):
        fault = RuntimeError("no line")
        script = {"Root": [transfer("Stages")], "First": ["1"], "Loans": [fault]}
        model = Scripted(script=script)
        steps = [agent(name, model) for name in ("First", "Loans")]
        stages = SequentialAgent(name="Stages", sub_agents=[*steps])
        held = await record(agent("Root", model, sub_agents=[stages]), ["?"], tmp_path / folder)
        return held.log.records

    def told(records):
        return [(one.hook, one.agent, one.activation, one.error) for one in records]

    hooked = await fail("hooked")
    request.getfixturevalue("silent_errors")
    silent = await fail("silent")

    assert told(silent) == told(hooked)
    assert told(silent)[-1] == ("run_error", "Root", 0, "RuntimeError: no line")
    fired = count_hooks({"new": read_hook_calls(hooked), "old": read_hook_calls(silent)})
    assert fired["run_error"] == {"new": 1, "old": 0}
    assert fired["agent_error"] == {"new": 2, "old": 0}


async def test_what_answers_for_a_run_is_told_though_no_hook_of_an_event_fires(
    tmp_path, monkeypatch
):
    """ADK to 2.9 fires none."""

    class Closing(BasePlugin):
        async def before_run_callback(self, *, invocation_context):
            return types.ModelContent("Closed.")

    monkeypatch.setattr(FlowPlugin, "_on_event", mock.AsyncMock(return_value=None))

    flow = await record(agent("Root", Scripted()), ["?"], tmp_path, plugins=[Closing("c")])

    assert [message.text for message in flow.figures[0].messages] == ["Closed."]


async def test_an_agent_that_was_cancelled_has_not_answered_though_after_run_fires(tmp_path):
    """ADK 2.4 to 2.9 call it for a run that is cancelled, too."""
    model = Scripted(script={"Root": [call("Loans", request="x"), "r"], "Loans": ["l"]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    records = (await record(root, ["?"], tmp_path)).log.records
    asked, ended = (
        next(n for n, one in enumerate(records) if one.run == 2 and one.hook == hook)
        for hook in ("before_model", "after_run")
    )
    failed = Record(hook="run_error", time=records[ended].time, run=1, agent="Root", error="Bang")

    reader = TraceReader()
    for one in [*records[: asked + 1], records[ended], failed]:
        reader.read(one)

    moves = [(move.kind, move.failed) for move in reader.turns[1].moves if move.turn == 1]
    assert moves[2:] == [("call", False), ("ask", False), ("return", True), ("end", True)]


def test_a_transfer_tool_that_is_a_plain_function_is_known_by_its_name():
    def transfer_to_agent(agent_name: str) -> None:
        """Transfers."""

    assert kind_of(FunctionTool(transfer_to_agent)) == "transfer"


async def test_the_desk_does_without_tool_threads_where_adk_has_none(monkeypatch):
    monkeypatch.setattr(tool_threads, "ToolThreadPoolConfig", None)

    await tool_threads.ToolThreads().before_run_callback(invocation_context=None)  # pyright: ignore[reportArgumentType]


def test_a_tool_can_be_declared_without_its_limits():
    tool = savings.isa_allowance
    declared = get_type_hints(tool, include_extras=True)

    plain = checks._without_limits(inspect.signature(tool), declared)

    assert {one.annotation for one in plain.parameters.values()} <= {float, int, bool, str}
    assert all(
        one.default is one.empty or type(one.default) is one.annotation
        for one in plain.parameters.values()
    )


def real(*words):
    """Runs the command with environments that are kept, or made."""
    result = invoke(*words)
    if result.exit_code == 2 and (
        "is there a network" in result.stderr or "by uv" in result.stderr
    ):
        pytest.skip(result.stderr.strip().splitlines()[-1])
    return result


@pytest.mark.environments
def test_real_releases_differ_in_who_is_told_that_an_agent_ended(monkeypatch):
    monkeypatch.chdir(ROOT)

    result = real(
        "root_agent", "--adk", "1.39.1", "--adk", "2.13.0",
        "--conversation", "conversations/follow_up.yaml",
    )  # fmt: skip

    assert result.exit_code == 0, result.stderr
    first = result.stdout.split("Differences")[1].split("- ")[1]
    assert " ".join(first.split()) == f"2.13.0: {UNTOLD.replace('Root', 'Root_Agent')} (turn 1)"


PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")


def test_the_page_of_releases_begins_with_who_is_told_that_an_agent_ended():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]

    assert rows[0] == "|  | turn | 1.18.0 | 1.39.1 | 2.0.0 | 2.5.0 | 2.13.0 |"
    assert rows[2].startswith("| " + UNTOLD.replace("Root gets no", "Root_Agent gets"))
    assert rows[2].endswith("| yes | yes | no | no | no |")


@pytest.mark.environments
def test_the_page_of_releases_is_what_its_command_gives(monkeypatch):
    monkeypatch.chdir(ROOT)

    written = PAGE.split("```sh\nadk-flow versions ")[1].split("\n")[0]

    assert real(*shlex.split(written)).stdout == PAGE
