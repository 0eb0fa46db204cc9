"""A Workflow that routes by what a classifier says."""

from google.adk.agents import LlmAgent
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.workflow import DEFAULT_ROUTE, Workflow

classifier = LlmAgent(name="classifier", model="gemini-2.5-flash", instruction="bill or fault?")
billing = LlmAgent(name="billing", model="gemini-2.5-flash", description="Explains bills.")
repairs = LlmAgent(name="repairs", model="gemini-2.5-flash", description="Mends things.")


def route(node_input: str) -> Event:
    """Sends the question where it belongs."""
    kind = "bill" if "bill" in node_input else "fault"
    return Event(output=node_input, actions=EventActions(route=kind))


root_agent = Workflow(
    name="helpdesk",
    edges=[
        ("START", classifier, route),
        (route, {"bill": billing, DEFAULT_ROUTE: repairs}),
    ],
)
