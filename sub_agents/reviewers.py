"""The two reviewers of a draft; a tool of each checks by code what code can check."""

from google.adk.agents import LlmAgent
from pydantic import BaseModel, Field

from adk_flow.models import model_from_env
from tools.piece import check_facts, check_style


class Verdict(BaseModel):
    """What a reviewer says of a draft."""

    approved: bool = Field(description="Whether the draft can go out as it is.")
    remarks: str = Field(description="What the writer must mend, one sentence each; else empty.")


fact_reviewer = LlmAgent(
    name="Fact_Reviewer",
    model=model_from_env(),
    description="Checks every figure and every source of the draft against the research.",
    instruction=(
        "You check facts. Call your tool: it holds every figure and source of the draft against "
        "the research. Then read whether the notes say of each figure what the draft says of it. "
        "Approve only if the tool approves and nothing is wrong; else repeat the tool's remarks "
        "and add yours. Say nothing about style."
    ),
    output_schema=Verdict,
    tools=[check_facts],
)

style_reviewer = LlmAgent(
    name="Style_Reviewer",
    model=model_from_env(),
    description="Checks the style of the draft by the rules of the house.",
    instruction=(
        "You check style. Call your tool: it checks length, sentences, marks and lists. Then read "
        "whether the draft is plain British English that somebody new to the topic understands. "
        "Approve only if the tool approves and nothing is wrong; else repeat the tool's remarks "
        "and add yours. Say nothing about facts."
    ),
    output_schema=Verdict,
    tools=[check_style],
)
