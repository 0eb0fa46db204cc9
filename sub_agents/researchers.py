"""The researchers of a piece: each looks up its own field, and hands over what it found."""

from collections.abc import Sequence

from google.adk.agents import LlmAgent
from google.adk.agents.llm_agent import ToolUnion

from adk_flow.models import model_from_env
from tools.guidance import look_up_investments, look_up_mortgages, look_up_pensions


def _researcher(name: str, field: str, tools: Sequence[ToolUnion]) -> LlmAgent:
    return LlmAgent(
        name=name,
        model=model_from_env(),
        description=f"Looks up guidance on {field} for a piece.",
        instruction=(
            f"You research {field} for a short piece on UK personal finance. Look up what the "
            "topic needs of your field, and hand over notes: what holds, with every figure as the "
            "passage gives it, and after each paragraph its source and tax year in brackets, "
            "spelt as in the passage. Add nothing that no passage says. If nothing was found, "
            "say so."
        ),
        tools=list(tools),
    )


saving_researcher = _researcher(
    "Saving_Researcher", "saving, investing and homes", [look_up_investments, look_up_mortgages]
)
pension_researcher = _researcher(
    "Pension_Researcher", "pensions and retirement", [look_up_pensions]
)
