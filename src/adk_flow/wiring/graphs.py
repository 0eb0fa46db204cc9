"""The constructs that are ADK 2 Workflows: graphs of agents and plain functions.

A Workflow shows an agent of its graph nothing but the output of the node before, unless the agent
says otherwise; here each keeps what it says of `include_contents`, as under the other constructs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.events.event import Event
from google.adk.workflow import FunctionNode, JoinNode, Workflow
from google.genai import types
from pydantic import BaseModel, Field, create_model

from adk_flow.wiring.agents import single_agent
from adk_flow.wiring.copies import Team, with_sentence

CLASSIFY = "Answer with the one specialist whom the latest question is for:"
DISPATCH = (
    "Answer with what each specialist is to find out for the latest question, in words that need "
    "no other context. Leave out a specialist who is not needed. The specialists are:"
)
MERGE = (
    "Your specialists were asked what is told below. Answer the question from what they found, "
    "and say what could not be found out."
)
SELECT = "The question was answered several times, as told below. Choose the best answer."

HOTTEST = 1.0
"""Temperature of the last of the candidates; the first has none."""


def router(team: Team) -> Workflow:
    """One model call classifies, then the specialist answers the user."""
    lead = _node(team.lead, team, sentence=_listed(CLASSIFY, team), output_schema=_one_of("specialist", team.names))


    def route(node_input: dict[str, str]) -> Event:
        return Event(route=node_input["specialist"])

    ways = {agent.name: agent for agent in _nodes(team)}
    return Workflow(name="router", edges=[("START", _conversation, lead, route, ways)])
