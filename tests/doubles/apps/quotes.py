"""One agent run several times at once by a function, within one branch."""

import asyncio

from google.adk.agents import LlmAgent
from google.adk.agents.context import Context
from google.adk.workflow import Workflow, node

dealer = LlmAgent(name="dealer", model="gemini-2.5-flash", instruction="Give a price.")


@node(rerun_on_resume=True)
async def ask_around(ctx: Context, node_input: str) -> str:
    """Asks for a price of each thing."""
    asked = (ctx.run_node(dealer, thing) for thing in node_input.split(" and "))
    return ", ".join(await asyncio.gather(*asked))


root_agent = Workflow(name="quotes", edges=[("START", ask_around)])
