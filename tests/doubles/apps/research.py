"""Agent tools of agent tools, the innermost with a function and a built-in tool."""

from google.adk.agents import LlmAgent
from google.adk.tools import google_search
from google.adk.tools.agent_tool import AgentTool


def count_words(text: str) -> int:
    """Counts the words of a text."""
    return len(text.split())


searcher = LlmAgent(
    name="searcher", model="gemini-2.5-flash", description="Searches.", tools=[google_search]
)
analyst = LlmAgent(
    name="analyst",
    model="openai/gpt-4o",
    description="Analyses what was found.",
    tools=[AgentTool(agent=searcher), count_words],
)
root_agent = LlmAgent(name="research", model="gemini-2.5-pro", tools=[AgentTool(agent=analyst)])
