"""The optimiser of a finished draft: what stands above it."""

from google.adk.agents import LlmAgent
from pydantic import BaseModel, Field

from adk_flow.models import model_from_env
from tools.piece import LONGEST_TITLE, outline_draft


class Heading(BaseModel):
    """What stands above a piece."""

    title: str = Field(description=f"Its title, up to {LONGEST_TITLE} characters.")
    summary: str = Field(description="What it says, in one or two sentences.")


optimiser = LlmAgent(
    name="Optimiser",
    model=model_from_env(),
    description="Outlines the draft: gives it a title and a summary, and measures its length.",
    instruction=(
        "You give a finished draft its title and its summary, so that a reader sees at once "
        "whether it is for them. Call your tool: it measures the draft and offers both; take or "
        "improve on them. Use no figure that the draft does not give, and promise nothing."
    ),
    output_schema=Heading,
    tools=[outline_draft],
)
