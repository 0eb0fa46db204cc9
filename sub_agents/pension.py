"""The pension specialist."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.guidance import look_up_pensions
from tools.pensions import annual_allowance, projected_pot, tax_relief

pension_agent = LlmAgent(
    name="Pension_Agent",
    model=model_from_env(),
    description=(
        "Answers questions about pensions and retirement: workplace and personal pensions, "
        "contributions, tax relief, allowances and the State Pension."
    ),
    instruction=(
        "You are the pension specialist of a UK personal-finance desk. Work out every figure with "
        "a tool and give it with its unit; look up how things work and name the source and tax "
        "year. Ask for a figure that is missing instead of assuming it. If a tool reports an "
        "error, say what it needs. Use plain British English. Tax relief is by the bands of "
        "England, Wales and Northern Ireland; say so if Scotland is meant."
    ),
    tools=[tax_relief, projected_pot, annual_allowance, look_up_pensions],
)
