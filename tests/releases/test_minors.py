"""The recorder, a scripted flow and the offline model under each minor release of ADK."""

import os
import subprocess

import pytest

from adk_flow.errors import AdkFlowError
from adk_flow.releases.environments import default_folder, ready
from adk_flow.releases.runner import copy_package

RELEASES = ["1.18.0", "1.39.1", *(f"2.{minor}.0" for minor in range(4, 14))]

AGENT = """
from google.adk.agents import LlmAgent
from google.adk.tools.agent_tool import AgentTool
loans = LlmAgent(name="Loans", description="Loans and debts.")
savings = LlmAgent(name="Savings", model="gemini-2.5-flash", description="Saving and funds.")
root_agent = LlmAgent(name="Root", model="gemini-2.5-flash", description="Leads.",
                      tools=[AgentTool(loans)], sub_agents=[savings])
"""

SCRIPTED = """
from pathlib import Path
from adk_flow.check.pytest import FlowFixture
from adk_flow.models.scripted import call, transfer
from agent import root_agent
flow = FlowFixture(Path("logs"))
flow(root_agent, "Loans?", "Funds?", script={
    "Root": [call("Loans", request="Dear?"), "5%.", transfer("Savings")],
    "Loans": ["5"], "Savings": ["Save."]})
assert flow.picture == '''
    start user to Root
    user say Root "Loans?"
    Root -> Loans (agent_tool)
    Root ask Loans "Dear?"
    Loans answer Root "5"
    Root <- Loans
    Root reply user "5%."
    end Root to user
    start user to Root
    user say Root "Funds?"
    Root => Savings
    Savings reply user "Save."
    end Savings to user''', str(flow.picture)
assert (flow.llm_calls, flow.reported_llm_calls, flow.transfers) == (5, 4, 1)
"""

FAILED = """
from pathlib import Path
from google.adk.agents import LlmAgent, SequentialAgent
from adk_flow.check.pytest import FlowFixture
first, second = (LlmAgent(name=name, model="gemini-2.5-flash") for name in ("First", "Second"))
flow = FlowFixture(Path("failed"))
flow(SequentialAgent(name="both", sub_agents=[first, second]), "One?", may_fail=True,
     script={"First": ["1"], "Second": [RuntimeError("down")]})
assert [move.text for move in flow.moves if move.failed] == ["RuntimeError: down"] * 2
assert [turn.error for turn in flow.figures] == ["RuntimeError: down"]
assert flow.figures[0].failed and flow.figures[0].complete
"""

ANSWERED = """
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.genai.types import ModelContent, UserContent
class Meddling(BasePlugin):
    async def on_user_message_callback(self, *, invocation_context, user_message):
        return UserContent("Other?")
    async def before_run_callback(self, *, invocation_context):
        return ModelContent("Closed.")
lead = LlmAgent(name="Lead", model="gemini-2.5-flash")
flow(App(name="app", root_agent=lead, plugins=[Meddling("m")]), "Open?", script={})
assert [move.text for move in flow.moves] == ["", "Other?", "Closed.", ""], str(flow.picture)
"""

GRAPH = """
from pathlib import Path
from google.adk.agents import LlmAgent
from google.adk.workflow import START, Workflow
from adk_flow.check.pytest import FlowFixture
first, second = (LlmAgent(name=name, model="gemini-2.5-flash") for name in ("First", "Second"))
flow = FlowFixture(Path("graphs"))
flow(Workflow(name="graph", edges=[(START, first, second)]), "One?", "Two?", script={
    "First": ["1", "3"], "Second": ["2", "4"]})
assert [turn.control for turn in flow.turns] == [[
    "start user to graph", "graph -> First (node)", "graph <- First",
    "graph -> Second (node)", "graph <- Second", "end graph to user"]] * 2, str(flow.picture)
"""

TASK = """
clerk = LlmAgent(name="Clerk", model="gemini-2.5-flash", description="Files.", mode="task")
lead = LlmAgent(name="Lead", model="gemini-2.5-flash", sub_agents=[clerk])
flow(lead, "File it.", "In red.", script={
    "Lead": [call("Clerk", request="It."), "Filed."],
    "Clerk": ["Where?", call("finish_task", result="red")]})
assert flow.turns[1].control == [
    "start user to Clerk", "Lead <- Clerk", "end Lead to user"], str(flow.picture)
peer = LlmAgent(name="Peer", model="gemini-2.5-flash")
clerk, lead = clerk.clone(), lead.clone({"sub_agents": [clerk.clone(), peer]})
from google.adk.version import __version__
reader = "Lead" if tuple(map(int, __version__.split(".")[:2])) < (2, 12) else "Peer"
script = {"Lead": [transfer("Peer")], "Peer": ["2"]}
script[reader].append("3")
flow(lead, "One?", "Two?", script=script)
assert flow.figures[0].active_agent == reader, str(flow.picture)
"""

OFFLINE = """
from adk_flow.cli import main
import sys
sys.argv = ["adk-flow", "run", ".", "--model", "offline", "Which funds suit saving?"]
main()
"""


@pytest.mark.environments
@pytest.mark.parametrize("release", RELEASES)
def test_a_release_records_plays_a_script_and_asks_the_offline_model(release, tmp_path):
    try:
        python = ready(release, default_folder(), print)
    except AdkFlowError as error:
        pytest.skip(str(error))
    (tmp_path / "agent.py").write_text(AGENT)

    library = str(copy_package(tmp_path))
    environment = {**os.environ, "PYTHONPATH": library, "PYTHONWARNINGS": "ignore"}

    # Graphs came with 2.0, where a plugin no longer answers for a run. One process for all: each
    # imports ADK for seconds.
    code = SCRIPTED + FAILED + (GRAPH + TASK if release.startswith("2.") else ANSWERED) + OFFLINE
    command = [str(python), "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    assert "transfer" in done.stdout.decode()
