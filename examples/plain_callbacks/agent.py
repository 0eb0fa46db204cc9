"""The desk's wiring with nothing but callbacks that print, as ADK's users begin.

user ── Root_Agent ──transfer──► Investment_Agent ◄──transfer──► Pension_Agent
            │
            └──── call, answer ──► Mortgage_Agent (AgentTool)
"""

from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow.models import model_from_env
from adk_flow.models.planned import PlanPlugin

plans = PlanPlugin(Path(__file__).with_name("conversation.yaml"), alone=True)


def print_before(callback_context: CallbackContext) -> None:
    """Prints who begins, and what the user said."""
    print(f"before {callback_context.agent_name}: {_words(callback_context)}")


def print_after(callback_context: CallbackContext) -> None:
    """Prints who ends, and what the user said."""
    print(f"after  {callback_context.agent_name}: {_words(callback_context)}")


def _words(context: CallbackContext) -> str:
    content = context.user_content
    return " ".join(part.text or "" for part in (content and content.parts) or ())


def monthly_repayment(loan: float, annual_percent: float, years: int) -> str:
    """Works out what a repayment mortgage costs a month."""
    rate, months = annual_percent / 1200, years * 12
    monthly = loan * rate / (1 - (1 + rate) ** -months) if rate else loan / months
    return f"£{monthly:,.2f} a month"


def future_value(amount: float, annual_percent: float, years: int) -> str:
    """Works out what a sum grows to."""
    return f"£{amount * (1 + annual_percent / 100) ** years:,.2f}"


def pension_payment(gross: float) -> str:
    """Works out what a contribution costs after basic-rate relief of 20 per cent."""
    return f"£{gross * 0.8:,.2f}"


def agent(name: str, field: str, **options: Any) -> LlmAgent:
    """Makes an agent that prints."""
    return LlmAgent(
        name=name,
        model=model_from_env(),
        description=f"Answers questions about {field}.",
        instruction=f"You answer questions about {field}. Work figures out with a tool.",
        before_agent_callback=print_before,
        after_agent_callback=print_after,
        **options,
    )


mortgage = agent("Mortgage_Agent", "mortgages", tools=[monthly_repayment])
investment = agent("Investment_Agent", "savings", tools=[future_value])
pension = agent("Pension_Agent", "pensions", tools=[pension_payment])
root_agent = agent(
    "Root_Agent",
    "money, by asking Mortgage_Agent, or transferring to another specialist",
    sub_agents=[investment, pension],
    tools=[AgentTool(mortgage)],
)
app = App(name="plain_callbacks", root_agent=root_agent, plugins=[plans])
