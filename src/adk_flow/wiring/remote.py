"""The construct whose specialists are in another process, reached over A2A; it needs a2a-sdk."""

from typing import Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.tools.agent_tool import AgentTool

from adk_flow.wiring.copies import Team
from adk_flow.wiring.peers import Peers


class StandIn(RemoteA2aAgent):
    """An agent that stands for a specialist in another process."""

    specialist: BaseAgent
    """Who it stands for, so that a plan knows whom it leads to."""


def call_elsewhere(team: Team, peers: Peers) -> LlmAgent:
    """Wires a lead that calls specialists in another process; those that are remote stay so."""
    kind: Any = StandIn  # ADK gives it arguments that are no fields
    agents = [
        agent
        if isinstance(agent, RemoteA2aAgent)
        else kind(
            name=agent.name,
            description=agent.description,
            agent_card=peers.address(agent.name),
            httpx_client=peers.client(),
            specialist=agent,
        )
        for agent in team.everybody()
    ]
    return team.leading(calling=[AgentTool(agent) for agent in agents])
