"""A Workflow whose edge leads back until a critic is content."""

from google.adk.agents import LlmAgent
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.workflow import Workflow

writer = LlmAgent(name="writer", model="gemini-2.5-flash", instruction="Write a headline.")
critic = LlmAgent(name="critic", model="gemini-2.5-flash", instruction="good or bad?")


def verdict(node_input: str) -> Event:
    """Goes round again unless the critic is content."""
    route = "done" if "good" in node_input else "again"
    return Event(output=node_input, actions=EventActions(route=route))


def publish(node_input: str) -> str:
    """Publishes the headline."""
    return f"published: {node_input}"


root_agent = Workflow(
    name="headline",
    edges=[("START", writer, critic, verdict), (verdict, {"again": writer, "done": publish})],
)
