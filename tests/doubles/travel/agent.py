"""The lead, and a specialist of a class of its own that a function makes."""

from google.adk.agents import Agent
from google.adk.agents.readonly_context import ReadonlyContext

from . import prompt
from .sub_agents.booking import booking_agent
from .tools import load_itinerary, memorize, suggest


class Moody(Agent):
    """An agent of the app's own class."""

    mood: str = "quiet"

    def told(self, context: ReadonlyContext) -> str:
        """Gives its instruction."""
        return f"You suggest places for a {self.mood} week. {{braces}} stay."


def make_inspiration() -> Moody:
    """Makes a specialist that no module names."""
    agent = Moody(name="inspiration_agent", description="Has ideas where to travel.", mood="calm")
    agent.instruction = agent.told
    agent.tools = [suggest]
    return agent


root_agent = Agent(
    name="travel_lead",
    model="gemini-2.5-flash",
    description='The travel desk, "all of it".',
    instruction=prompt.LEAD,
    tools=[memorize],
    sub_agents=[make_inspiration(), booking_agent],
    before_agent_callback=load_itinerary,
)
