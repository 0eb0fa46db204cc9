"""A lead and two specialists under each construct, and what their models decide."""

from typing import Any

from google.adk.agents import LlmAgent

from adk_flow.models.scripted import call, transfer
from adk_flow.wiring import wire
from tests.doubles.flow import agent

USE = call("rate", years=5)
ASK = call("Loans", request="How dear?")
SCRIPTS: dict[str, dict[str, list[Any]]] = {
    "single_agent": {"Lead": [USE, "5%."]},
    "advisor": {
        "Lead": [call("model_consult", question="Which?"), USE, "5%."],
        "": ["Look it up."],  # whom no agent asks
    },
    "skills": {"Lead": [call("load_skill", skill_name="loans"), USE, "5%."]},
    "transfer": {"Lead": [transfer("Loans")], "Loans": [USE, "5%."]},
    "agent_tool": {"Lead": [ASK, "It is 5%."], "Loans": [USE, "5%."]},
    "agent_tool_skip_summarization": {"Lead": [ASK], "Loans": [USE, "5%."]},
    "mixed": {"Lead": [ASK, "It is 5%."], "Loans": [USE, "5%."]},
    "single_turn": {"Lead": [ASK, "It is 5%."], "Loans": [USE, "5%."]},
    "task": {"Lead": [ASK, "It is 5%."], "Loans": [USE, call("finish_task", result="5%.")]},
    "workflow_tool": {
        "Lead": [call("specialists", request="How dear?"), "It is 5%."],
        "Loans": [USE, "5%."],
        "Funds": ["6%."],
    },
    "router": {"Lead": ['{"specialist": "Loans"}'], "Loans": [USE, "5%."]},
    "classifier_router": {"Loans": [USE, "5%."]},
    "router_many": {
        "Lead": ['{"specialists": ["Loans"]}', "It is 5%."],
        "Loans": [USE, "5%."],
    },
    "coordinator": {"Lead": ['{"Loans": "How dear?"}', "It is 5%."], "Loans": [USE, "5%."]},
    "sequential": {"Loans": [USE, "5%."], "Funds": ["6%."]},
    "parallel": {"Loans": [USE, "5%."], "Funds": ["6%."]},
    "loop": {"Loans": [USE, "5%.", "4%."], "Funds": ["6%.", "7%."]},
    "best_of_n": {
        "Lead_1": ["3%."],
        "Lead_2": [USE, "5%."],
        "Lead_3": ["7%."],
        "Lead": ['{"best": "A", "reason": "It is exact."}'],
    },
}
"""One question under each construct; the specialist uses one tool."""


def rate(years: int) -> str:
    """Looks up the interest rate of a loan."""
    return f"5% for {years} years"


def team(model, **options) -> tuple[LlmAgent, list[LlmAgent]]:
    """Makes a lead and two specialists, of whom the first has a tool."""
    loans = agent("Loans", model, instruction="You lend.", tools=[rate], **options)
    lead = agent("Lead", model, instruction="You lead.")
    return lead, [loans, agent("Funds", model, instruction="You save.")]


def wired(model, construct, **options):
    lead, specialists = team(model)
    called = ["Loans"] if construct == "mixed" else ()
    return wire(lead, specialists, construct, called=called, **options)


def twice(construct):
    """Plays the same decisions in a second turn; who took over, or was loaded, still is there."""
    if construct == "skills":
        return {"Lead": [*SCRIPTS[construct]["Lead"], USE, "5%."]}
    script = {name: [*steps, *steps] for name, steps in SCRIPTS[construct].items()}
    return script | ({"Lead": [transfer("Loans")]} if construct == "transfer" else {})
