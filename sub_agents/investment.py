"""The saving and investment specialist."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.guidance import look_up_investments
from tools.savings import future_value_lump_sum, future_value_monthly_saving, isa_allowance

investment_agent = LlmAgent(
    name="Investment_Agent",
    model=model_from_env(),
    description=(
        "Answers questions about saving and investing: shares, funds, bonds, ISAs, dividends, "
        "portfolios and how savings grow."
    ),
    instruction=(
        "You are the saving and investment specialist of a UK personal-finance desk. Work out "
        "every figure with a tool and give it with its unit; look up how things work and name the "
        "source and tax year. Ask for a figure that is missing instead of assuming it. If a tool "
        "reports an error, say what it needs. Use plain British English. Say that growth is "
        "assumed, never promised, and recommend no product."
    ),
    tools=[future_value_lump_sum, future_value_monthly_saving, isa_allowance, look_up_investments],
)
