"""The mortgage specialist."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.guidance import look_up_mortgages
from tools.mortgages import affordability, loan_to_value, monthly_repayment, stamp_duty

mortgage_agent = LlmAgent(
    name="Mortgage_Agent",
    model=model_from_env(),
    description=(
        "Answers questions about mortgages and buying a home: repayments, rates, deposits, "
        "affordability, remortgaging and stamp duty."
    ),
    instruction=(
        "You are the mortgage specialist of a UK personal-finance desk. Work out every figure "
        "with a tool and give it with its unit; look up how things work and name the source and "
        "tax year. Ask for a figure that is missing instead of assuming it. If a tool reports an "
        "error, say what it needs. Use plain British English. Stamp duty is for England and "
        "Northern Ireland; say so if another nation is meant."
    ),
    tools=[monthly_repayment, loan_to_value, affordability, stamp_duty, look_up_mortgages],
)
