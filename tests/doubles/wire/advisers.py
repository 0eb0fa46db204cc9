"""Three specialists of a desk, and the calls that their models decide on."""

from collections.abc import Callable
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm

from tests.doubles.wire.model_server import Call


def monthly_repayment(loan: float, years: int) -> dict[str, float]:
    """Works out what a mortgage costs a month."""
    return {"monthly": loan / years / 12}


def years_to_goal(goal: float, monthly: float) -> dict[str, float]:
    """Works out how long saving takes."""
    return {"years": goal / monthly / 12}


def pot_needed(income: float) -> dict[str, float]:
    """Works out the pension pot that pays an income."""
    return {"pot": income * 25}


REPAYMENT = Call("monthly_repayment", {"loan": 240_000.0, "years": 20})
SMALLER_REPAYMENT = Call("monthly_repayment", {"loan": 120_000.0, "years": 20})
YEARS_TO_GOAL = Call("years_to_goal", {"goal": 12_000.0, "monthly": 100.0})
POT_NEEDED = Call("pot_needed", {"income": 20_000.0})


def transfer(agent: str) -> Call:
    return Call("transfer_to_agent", {"agent_name": agent})


def ask(agent: str, request: str) -> Call:
    return Call(agent, {"request": request})


def specialist(name: str, model: BaseLlm, tool: Callable[..., Any], **wiring: Any) -> LlmAgent:
    return LlmAgent(
        name=name,
        model=model,
        description=f"Answers questions about {name.lower()}.",
        instruction=f"You know all about {name.lower()}.",
        tools=[tool],
        **wiring,
    )


def mortgage(model: BaseLlm, **wiring: Any) -> LlmAgent:
    return specialist("Mortgage", model, monthly_repayment, **wiring)


def savings(model: BaseLlm) -> LlmAgent:
    return specialist("Savings", model, years_to_goal)


def pensions(model: BaseLlm) -> LlmAgent:
    return specialist("Pensions", model, pot_needed)


def root(model: BaseLlm, **wiring: Any) -> LlmAgent:
    return LlmAgent(name="Root", model=model, instruction="You are the desk.", **wiring)
