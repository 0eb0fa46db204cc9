"""Transfers over three levels, as ADK's multi-agent samples have them."""

from google.adk.agents import Agent

flights = Agent(name="flights", model="gemini-2.5-flash", description="Books flights.")
hotels = Agent(
    name="hotels",
    model="gemini-2.5-flash",
    description="Books hotels.",
    disallow_transfer_to_peers=True,
)
travel = Agent(
    name="travel",
    model="gemini-2.5-flash",
    description="Plans journeys.",
    sub_agents=[flights, hotels],
)
weather = Agent(
    name="weather",
    model="gemini-2.5-flash",
    description="Tells the weather.",
    disallow_transfer_to_parent=True,
)
root_agent = Agent(
    name="concierge",
    model="gemini-2.5-pro",
    instruction="Hand over to whoever knows.",
    sub_agents=[travel, weather],
)
