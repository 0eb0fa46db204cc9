"""Nodes that a function runs as it goes, so that no graph shows them."""

from google.adk.agents import LlmAgent
from google.adk.agents.context import Context
from google.adk.workflow import Workflow, node

shopper = LlmAgent(name="shopper", model="gemini-2.5-flash", instruction="Buy it.")
cook = LlmAgent(name="cook", model="gemini-2.5-flash", instruction="Cook it.")


@node(rerun_on_resume=True)
async def run_errands(ctx: Context, node_input: str) -> str:
    """Has one thing after the other bought, then everything cooked."""
    bought = [await ctx.run_node(shopper, thing) for thing in node_input.split(" and ")]
    return await ctx.run_node(cook, ", ".join(bought))


root_agent = Workflow(name="errands", edges=[("START", run_errands)])
