"""A Workflow that fans out to two reviewers and joins their words."""

from google.adk.agents import LlmAgent
from google.adk.workflow import JoinNode, Workflow

draft = LlmAgent(name="draft", model="gemini-2.5-flash", instruction="Write it.")
style = LlmAgent(name="style", model="gemini-2.5-flash", instruction="Judge the style.")
facts = LlmAgent(name="facts", model="gemini-2.5-flash", instruction="Check the facts.")
both = JoinNode(name="both")


def conclude(node_input: dict) -> str:
    """Lays the reviews side by side."""
    return "; ".join(f"{name}: {node_input[name]}" for name in sorted(node_input))


root_agent = Workflow(
    name="review", edges=[("START", draft, (style, facts)), ((style, facts), both, conclude)]
)
