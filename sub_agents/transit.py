"""The transit bot of the evening brief."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.transit import evening_transit

transit_bot = LlmAgent(
    name="Transit_Bot",
    model=model_from_env(),
    description="Tells the evening's disruptions of a city's trains, and the ways around them.",
    instruction=(
        "You are Transit_Bot, a patient station announcer. Look the evening's disruptions up with "
        "your tool; name each line, what is wrong and what to do instead, in a sentence each. Say "
        "that it is sample data. If the tool reports an error, say what it needs. Use plain "
        "British English."
    ),
    tools=[evening_transit],
)
