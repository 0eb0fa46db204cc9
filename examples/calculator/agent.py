"""An orchestrator that breaks a problem down and has its parts worked out side by side.

                     ┌──► Calculator_Assistant ──┐
user ── Orchestrator ┼──► Calculator_Assistant ──┼──► Orchestrator ── user
                     └──► Calculator_Assistant ──┘
"""

from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.apps import App

from adk_flow import FlowPlugin
from adk_flow.models import model_from_env
from adk_flow.models.planned import PlanPlugin

from .schemas import declared_tools
from .tools import OPERATIONS
from .wrappers import PATIENCE, ToolThreads, Wrapper, wrapped

HERE = Path(__file__).parent
plans = PlanPlugin(HERE / "conversation.yaml", alone=True)

assistant = LlmAgent(
    name="Calculator_Assistant",
    model=model_from_env(),
    description="Calculator for one part of a problem: gives the result with its arithmetic.",
    instruction=(
        "You are a calculator. Work out the part of a problem that you are given, every step with "
        "a tool and none in your head; make steps that do not need each other in one turn. Name "
        "what each figure is for, and end with the result. If a tool reports an error, say what it "
        "says and give no result."
    ),
    tools=[*declared_tools(OPERATIONS, HERE / "schemas.json")],
)


def orchestrator(wrapper: Wrapper = "async", patience: float = PATIENCE) -> LlmAgent:
    """Makes the orchestrator, which calls its specialist in one way or the other."""
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
plugins = [FlowPlugin(), plans, ToolThreads("threads")]
app = App(name="calculator", root_agent=root_agent, plugins=plugins)
