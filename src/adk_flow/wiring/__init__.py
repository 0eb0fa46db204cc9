"""The same lead and specialists under every construct by which ADK lets agents use one another."""

from adk_flow.wiring.best_of import wire_best_of as wire_best_of
from adk_flow.wiring.constructs import CONSTRUCTS as CONSTRUCTS
from adk_flow.wiring.constructs import DEPRECATED as DEPRECATED
from adk_flow.wiring.constructs import IN_ADK as IN_ADK
from adk_flow.wiring.constructs import MEANINGS as MEANINGS
from adk_flow.wiring.constructs import ON_DEMAND as ON_DEMAND
from adk_flow.wiring.constructs import wire as wire
from adk_flow.wiring.coordination import wire_coordinator as wire_coordinator
from adk_flow.wiring.copies import WiringError as WiringError
from adk_flow.wiring.dispatch import Guardrail as Guardrail
from adk_flow.wiring.parts import parts_of as parts_of
from adk_flow.wiring.peers import Peers as Peers
