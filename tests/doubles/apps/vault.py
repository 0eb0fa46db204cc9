"""A tool that asks a person to confirm."""

from google.adk.agents import LlmAgent
from google.adk.tools import ToolContext


def open_vault(number: int, tool_context: ToolContext) -> dict:
    """Opens a vault."""
    if not tool_context.tool_confirmation:
        tool_context.request_confirmation(hint=f"Open vault {number}?")
        return {"status": "waiting"}
    return {"open": tool_context.tool_confirmation.confirmed}


root_agent = LlmAgent(name="vault", model="gemini-2.5-flash", tools=[open_vault])
