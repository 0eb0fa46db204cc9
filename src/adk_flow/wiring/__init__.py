"""The same lead and specialists under every construct by which ADK lets agents use one another."""

from adk_flow.wiring.best_of import wire_best_of
from adk_flow.wiring.changes import WITHOUT_THE_LEADS_TOOLS, describe_changes, own_tools
from adk_flow.wiring.constructs import (
    CONSTRUCTS,
    DEPRECATED,
    IN_ADK,
    MEANINGS,
    ON_DEMAND,
    TAKES_ANY_AGENT,
    wire,
)
from adk_flow.wiring.coordination import wire_coordinator
from adk_flow.wiring.copies import WiringError
from adk_flow.wiring.dispatch import Guardrail
from adk_flow.wiring.parts import Parts, parts_of
from adk_flow.wiring.peers import Peers, recorded_in

__all__ = [
    "CONSTRUCTS",
    "DEPRECATED",
    "IN_ADK",
    "MEANINGS",
    "ON_DEMAND",
    "TAKES_ANY_AGENT",
    "WITHOUT_THE_LEADS_TOOLS",
    "Guardrail",
    "Parts",
    "Peers",
    "WiringError",
    "describe_changes",
    "own_tools",
    "parts_of",
    "recorded_in",
    "wire",
    "wire_best_of",
    "wire_coordinator",
]
