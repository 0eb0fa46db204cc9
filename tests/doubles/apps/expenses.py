"""A resumable App with a long-running tool: the run pauses until somebody approves."""

from google.adk.agents import LlmAgent
from google.adk.apps import App, ResumabilityConfig
from google.adk.tools import LongRunningFunctionTool


def approve(amount: int) -> dict | None:
    """Asks a manager to approve an amount."""
    return None


payer = LlmAgent(name="payer", model="gemini-2.5-flash", description="Pays out.")
clerk = LlmAgent(
    name="clerk",
    model="gemini-2.5-flash",
    description="Takes expenses.",
    tools=[LongRunningFunctionTool(func=approve)],
    sub_agents=[payer],
)
app = App(
    name="expenses",
    root_agent=clerk,
    resumability_config=ResumabilityConfig(is_resumable=True),
)
