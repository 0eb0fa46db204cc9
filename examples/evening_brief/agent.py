"""An evening brief: a coordinator that dispatches, fans out and merges; one child is another.

                            ┌──► Weather_Bot
user ── Evening_Coordinator ┤                                ┌──► Train_Bot
                            └──► transit: Transit_Coordinator┤
                                                             └──► Bus_Bot
"""

from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.apps import App

from adk_flow import FlowPlugin
from adk_flow.models import model_from_env
from adk_flow.models.planned import PlanPlugin
from adk_flow.wiring import Guardrail, wire_coordinator

from .tools import evening_buses, evening_trains, evening_weather

plans = PlanPlugin(
    Path(__file__).with_name("conversation.yaml"), alone=True, root=lambda: root_agent
)
GUARDRAIL = Guardrail(longest=500, forbidden=[r"\bignore\b.{0,40}\binstructions?\b", r"https?://"])
STYLE = "Use plain British English. Say that it is sample data. If a tool reports an error, say it."

weather_bot = LlmAgent(
    name="Weather_Bot",
    model=model_from_env(),
    description="Tells the evening's weather in a city, and what to wear.",
    instruction=(
        "You are Weather_Bot, a laconic meteorologist. Look the evening's weather up and give its "
        f"figures in one sentence, then in one more what to wear or to take along. {STYLE}"
    ),
    tools=[evening_weather],
)
train_bot = LlmAgent(
    name="Train_Bot",
    model=model_from_env(),
    description="Tells the evening's disruptions of a city's local trains.",
    instruction=(
        "You are Train_Bot, a patient station announcer. Look the evening's disruptions up; name "
        f"each line, what is wrong and what to do instead. {STYLE}"
    ),
    tools=[evening_trains],
)
bus_bot = LlmAgent(
    name="Bus_Bot",
    model=model_from_env(),
    description="Tells the evening's disruptions of a city's buses.",
    instruction=(
        "You are Bus_Bot, a driver of thirty years. Look the evening's disruptions up; name each "
        f"line, what is wrong and what to do instead. {STYLE}"
    ),
    tools=[evening_buses],
)

transit = wire_coordinator(
    "transit",
    LlmAgent(
        name="Transit_Coordinator",
        model=model_from_env(),
        description="Tells the evening's disruptions of a city's trains and buses.",
        instruction="You sum up how a city's trains and buses run, in plain British English.",
    ),
    [train_bot, bus_bot],
    guardrail=GUARDRAIL,
)
root_agent = wire_coordinator(
    "evening_brief",
    LlmAgent(
        name="Evening_Coordinator",
        model=model_from_env(),
        description="Writes an evening brief for a city: its weather, trains and buses.",
        instruction=(
            "You are the editor of an evening brief: a few sentences that somebody reads on the "
            "way out of the door. Use plain British English."
        ),
    ),
    [weather_bot, transit],
    guardrail=GUARDRAIL,
)
app = App(
    name="evening_brief",
    root_agent=root_agent,
    plugins=[FlowPlugin(construct="coordinator"), plans],
)
