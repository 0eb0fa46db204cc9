"""The agent that books, and the one that it asks itself."""

from google.adk.agents import Agent
from google.adk.tools import FunctionTool
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from pydantic import BaseModel, Field

from .. import prompt
from ..tools import book_room


class Rate(BaseModel):
    """What a room costs."""

    euros: int = Field(description="A night.")


rates_agent = Agent(
    name="rates_agent",
    model="gemini-2.5-flash",
    description="Knows rates.",
    instruction="Give the rate of a room.",
    output_schema=Rate,
    output_key="rate",
)

booking_agent = Agent(
    name="booking_agent",
    model="gemini-2.5-flash",
    description="Books rooms in hotels.",
    instruction=prompt.BOOKING,
    generate_content_config=types.GenerateContentConfig(
        temperature=0.1,
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
    ),
    tools=[FunctionTool(book_room), AgentTool(agent=rates_agent)],
    before_tool_callback=[lambda tool, args, tool_context: None],
    output_key="booking",
)
