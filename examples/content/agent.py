"""A short piece on money: researched side by side, written, reviewed until it holds, headed.

      ┌──► Saving_Researcher ──┐            ┌──► Fact_Reviewer ──┐
user ─┤                        ├──► Writer ─┤                    ├──► Optimiser ── user
      └──► Pension_Researcher ─┘      ▲     └──► Style_Reviewer ─┘
                                      └──────── remarks ─────┘
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.apps import App
from pydantic import BaseModel, Field

from adk_flow import FlowPlugin
from adk_flow.models import model_from_env
from adk_flow.models.planned import PlanPlugin

from .stages import staged
from .tools import LONGEST, LONGEST_SENTENCE, look_up_pensions, look_up_saving

plans = PlanPlugin(
    Path(__file__).with_name("conversation.yaml"), alone=True, root=lambda: root_agent
)


class Verdict(BaseModel):
    """What a reviewer says of a draft."""

    approved: bool = Field(description="Whether the draft can go out as it is.")
    remarks: str = Field(description="What the writer must mend, one sentence each; else empty.")


class Heading(BaseModel):
    """What stands above a piece."""

    title: str = Field(description="Its title, up to 80 characters.")
    summary: str = Field(description="What it says, in one sentence.")


def researcher(name: str, field: str, tool: Callable[..., Any]) -> LlmAgent:
    """Makes a researcher of a field."""
    return LlmAgent(
        name=name,
        model=model_from_env(),
        description=f"Looks up guidance on {field} for a piece.",
        instruction=(
            f"You research {field} for a short piece on UK personal finance. Look up what the "
            "topic needs of your field, and hand over notes: what holds, with every figure and "
            "source as the passage gives them. Add nothing that no passage says. If nothing fits, "
            "say so."
        ),
        tools=[tool],
    )


def reviewer(name: str, field: str, what: str) -> LlmAgent:
    """Makes a reviewer of a field."""
    return LlmAgent(
        name=name,
        model=model_from_env(),
        description=f"Checks the {field} of a draft.",
        instruction=(
            f"You check the {field} of a draft, and nothing else: {what} Approve only if nothing "
            "is wrong, and code has found nothing wrong of your field."
        ),
        output_schema=Verdict,
    )


writer = LlmAgent(
    name="Writer",
    model=model_from_env(),
    description="Writes a short piece from the researchers' notes, and mends it.",
    instruction=(
        f"You write short pieces on UK personal finance in plain British English: up to {LONGEST} "
        f"words in plain paragraphs, no sentence longer than {LONGEST_SENTENCE} words. Use nothing "
        "but the notes; give figures and sources as they give them. Promise no return, recommend "
        "no product. If a draft was sent back, mend what the remarks name and keep the rest. "
        "Answer with the draft and nothing else."
    ),
)
optimiser = LlmAgent(
    name="Optimiser",
    model=model_from_env(),
    description="Gives a finished draft its title and summary.",
    instruction="You give a draft its title and summary. Use no figure that it does not give.",
    output_schema=Heading,
)

root_agent = staged(
    "content",
    [
        researcher("Saving_Researcher", "saving and investing", look_up_saving),
        researcher("Pension_Researcher", "pensions", look_up_pensions),
    ],
    writer,
    [
        reviewer("Fact_Reviewer", "facts", "does it say of each figure what the notes say?"),
        reviewer("Style_Reviewer", "style", "is it plain, and clear to somebody new to it?"),
    ],
    optimiser,
)
app = App(name="content", root_agent=root_agent, plugins=[FlowPlugin(construct="stages"), plans])
