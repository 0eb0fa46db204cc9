"""A session with a call and a transfer, as the recorder writes it."""

from google.adk.tools.agent_tool import AgentTool

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent, record

QUESTIONS = ("How dear is a loan?", "And where do I save?")


def desk():
    """Makes a lead that calls one specialist and hands over to the other."""
    model = Scripted(
        script={
            "Root": [call("Loans", request="How dear?"), "It is 5%.", transfer("Savings")],
            "Loans": ["5"],
            "Savings": ["Save."],
        }
    )
    savings = agent("Savings", model)
    return agent("Root", model, tools=[AgentTool(agent("Loans", model))], sub_agents=[savings])


async def record_desk(folder, **options):
    """Asks it both questions."""
    return await record(desk(), QUESTIONS, folder, **options)
