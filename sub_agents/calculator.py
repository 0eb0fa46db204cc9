"""The calculating specialist."""

from collections.abc import Sequence

from google.adk.agents import LlmAgent
from google.adk.agents.llm_agent import ToolUnion

from adk_flow.models import model_from_env
from tools.arithmetic import OPERATIONS


def calculator_assistant(tools: Sequence[ToolUnion] = OPERATIONS) -> LlmAgent:
    """Makes the specialist, with its six operations declared in one way or another."""
    return LlmAgent(
        name="Calculator_Assistant",
        model=model_from_env(),
        description=(
            "Calculator for one part of a problem: adds, subtracts, multiplies, divides, takes "
            "powers and square roots, and gives the result with its arithmetic."
        ),
        instruction=(
            "You are a calculator. Work out the part of a problem that you are given, every step "
            "with a tool and none in your head; make steps that do not need each other in one "
            "turn. Name what each figure is for, and end with the result. If a tool reports an "
            "error, say what it says and give no result."
        ),
        tools=list(tools),
    )
