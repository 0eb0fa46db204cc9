"""The plans of the desk's conversations, played where a user asks what stands in one."""

from pathlib import Path

from adk_flow.models.planned import PlanPlugin

CONVERSATIONS = Path(__file__).resolve().parents[1] / "conversations"


def plans() -> PlanPlugin:
    """Makes the plugin that plays them on the offline model."""
    return PlanPlugin(*sorted(CONVERSATIONS.glob("*.yaml")))
