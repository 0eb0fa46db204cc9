"""A desk whose conversation is told in spans, and spans drawn as a tree."""

from collections import defaultdict

from google.adk.tools.agent_tool import AgentTool

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.flow import agent


def desk():
    """Makes a lead that calls two agents at once, of which one calls a tool, then hands over."""

    def rate(years: int) -> str:
        """Looks a rate up."""
        return "5%"

    both = [call("Loans", request="A"), call("Savings", request="B")]
    script = {
        "Root": [both, "Both.", transfer("Pension")],
        "Loans": [call("rate", years=5), "5%"],
        "Savings": ["3%"],
        "Pension": ["Save early.", "Yes."],
    }
    model = Scripted(script=script)
    tools = [AgentTool(agent("Loans", model, tools=[rate])), AgentTool(agent("Savings", model))]
    return agent("Root", model, tools=tools, sub_agents=[agent("Pension", model)])


def draw_tree(spans):
    """Draws spans in the order of their beginning, with the moves on them and links (~).

    Of each its beginning, id, parent's id, name, events, and the ids of those it is linked to.
    """
    spans = sorted(spans, key=lambda span: span[0])
    names = {id: name for _, id, _, name, _, _ in spans}
    children = defaultdict(list)
    for _, id, parent, name, events, links in spans:
        moves = [event.name.removeprefix("adk_flow.") for event in events]
        told = [*(f"~ {names[link]}" for link in links), *(m for m in moves if m != "exception")]
        children[parent or 0].append((id, f"{name}: {', '.join(told)}" if told else name))

    def lines(parent, depth):
        for id, line in children[parent]:
            yield "  " * depth + line
            yield from lines(id, depth + 1)

    return "\n".join(lines(0, 0))
