"""A Workflow that asks a person and waits."""

from google.adk.agents import LlmAgent
from google.adk.events.request_input import RequestInput
from google.adk.workflow import Workflow

checker = LlmAgent(name="checker", model="gemini-2.5-flash", instruction="Check the form.")
writer = LlmAgent(name="writer", model="gemini-2.5-flash", instruction="Write the letter.")


def ask_officer(node_input: str):
    """Asks an officer for a decision."""
    yield RequestInput(
        interrupt_id="decision", message=f"Grant it? {node_input}", response_schema=None
    )


def decided(node_input: object) -> str:
    """Hands the decision on."""
    return f"decision: {node_input}"


root_agent = Workflow(name="visa", edges=[("START", checker, ask_officer, decided, writer)])
