"""A node that runs once for each item of a list, all at the same time."""

from google.adk.agents import LlmAgent
from google.adk.workflow import Workflow

explainer = LlmAgent(
    name="explainer",
    model="gemini-2.5-flash",
    instruction="Explain the word.",
    parallel_worker=True,
)


def split(node_input: str) -> list[str]:
    """Makes a list of the words."""
    return node_input.split()


def glossary(node_input: list) -> str:
    """Writes the explanations one below the other."""
    return "\n".join(sorted(node_input))


root_agent = Workflow(name="glossary", edges=[("START", split, explainer, glossary)])
