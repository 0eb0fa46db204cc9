"""The same lead and specialists under every construct by which ADK lets agents use one another."""

from adk_flow.wiring.best_of import wire_best_of
from adk_flow.wiring.constructs import CONSTRUCTS, DEPRECATED, IN_ADK, MEANINGS, ON_DEMAND, wire
from adk_flow.wiring.coordination import wire_coordinator
from adk_flow.wiring.copies import WiringError
from adk_flow.wiring.dispatch import Guardrail
from adk_flow.wiring.parts import parts_of
from adk_flow.wiring.peers import Peers

__all__ = [
    "CONSTRUCTS",
    "DEPRECATED",
    "IN_ADK",
    "MEANINGS",
    "ON_DEMAND",
    "Guardrail",
    "Peers",
    "WiringError",
    "parts_of",
    "wire",
    "wire_best_of",
    "wire_coordinator",
]
