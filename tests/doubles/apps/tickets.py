"""A long-running tool that gives a ticket at once; its result comes later."""

from google.adk.agents import LlmAgent
from google.adk.tools import LongRunningFunctionTool


def order(part: str) -> dict:
    """Orders a part."""
    return {"status": "pending", "ticket": 7}


root_agent = LlmAgent(
    name="tickets", model="gemini-2.5-flash", tools=[LongRunningFunctionTool(func=order)]
)
