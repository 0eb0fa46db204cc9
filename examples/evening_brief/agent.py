"""An evening brief: a coordinator that dispatches, fans out to two bots and merges.

                            ┌──► Weather_Bot ──┐
user ── Evening_Coordinator ┤                  ├──► Evening_Coordinator ── user
                            └──► Transit_Bot ──┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the repository's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.adk.agents import LlmAgent
from google.adk.apps import App

from adk_flow.models.from_env import model_from_env
from adk_flow.wiring.coordinator import coordinator
from adk_flow.wiring.dispatch import Guardrail
from callbacks.flow_log import flow_log
from callbacks.tool_threads import ToolThreads
from sub_agents.transit import transit_bot
from sub_agents.weather import weather_bot

lead = LlmAgent(
    name="Evening_Coordinator",
    model=model_from_env(),
    description="Writes an evening brief for a city: its weather and its trains.",
    instruction=(
        "You are the editor of an evening brief: a few sentences that somebody reads on the way "
        "out of the door. Use plain British English."
    ),
)

root_agent = coordinator(
    "evening_brief",
    lead,
    [weather_bot, transit_bot],
    guardrail=Guardrail(
        longest=500, forbidden=[r"\bignore\b.{0,40}\binstructions?\b", r"https?://"]
    ),
)

app = App(
    name="evening_brief",
    root_agent=root_agent,
    plugins=[flow_log("coordinator"), ToolThreads()],
)
