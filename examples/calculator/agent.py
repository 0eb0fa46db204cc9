"""An orchestrator that breaks a problem down and has its parts worked out side by side.

                     ┌──► Calculator_Assistant ──┐
user ── Orchestrator ┼──► Calculator_Assistant ──┼──► Orchestrator ── user
                     └──► Calculator_Assistant ──┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the repository's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.adk.agents import LlmAgent
from google.adk.apps import App

from adk_flow.models.from_env import model_from_env
from callbacks.flow_log import flow_log
from callbacks.tool_threads import ToolThreads
from examples.calculator.wrappers import PATIENCE, Wrapper, wrapped
from sub_agents.calculator import calculator_assistant
from tools.arithmetic import OPERATIONS
from tools.schemas import SchemaToolset

SCHEMAS = Path(__file__).with_name("schemas.json")


def orchestrator(wrapper: Wrapper = "async", patience: float = PATIENCE) -> LlmAgent:
    """Makes the orchestrator, which calls its specialist in one way or the other."""
    assistant = calculator_assistant([SchemaToolset(OPERATIONS, SCHEMAS)])
    return LlmAgent(
        name="Orchestrator",
        model=model_from_env(),
        description="Solves problems with figures by breaking them down.",
        instruction=(
            "You solve problems with figures. Break a problem down into parts that do not need "
            "each other, such as the stores of a shopping list, and call Calculator_Assistant for "
            "each of them in the same turn, with everything that it needs: quantities, prices, "
            "charges. Then call it again with their results if these belong together. Calculate "
            "nothing yourself. Give each part with its result, then the whole. If a part failed, "
            "say which and why, and give no total."
        ),
        tools=[wrapped(assistant, wrapper, patience)],
    )


root_agent = orchestrator()
app = App(
    name="calculator",
    root_agent=root_agent,
    plugins=[flow_log("agent_tool"), ToolThreads()],
)
