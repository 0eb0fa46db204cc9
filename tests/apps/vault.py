"""A tool that a person must confirm."""

from google.adk.agents import LlmAgent
from google.adk.tools import FunctionTool


def open_vault(number: int) -> str:
    """Opens a vault."""
    return f"vault {number} is open"


root_agent = LlmAgent(
    name="vault",
    model="gemini-2.5-flash",
    tools=[FunctionTool(func=open_vault, require_confirmation=True)],
)
