"""Four agents called as tools, in one model turn if the model likes."""

from google.adk.agents import Agent
from google.adk.tools.agent_tool import AgentTool

DESKS = ("politics", "sport", "money", "culture")

desks = [
    Agent(name=name, model="gemini-2.5-flash", description=f"Reports on {name}.") for name in DESKS
]
root_agent = Agent(
    name="editor", model="gemini-2.5-pro", tools=[AgentTool(agent=desk) for desk in desks]
)
