"""When a plan plays: with the offline model, or where no model is named."""

from __future__ import annotations

import os

from google.adk.apps import App

from adk_flow.inspect.agent_graph import name_of_model
from adk_flow.models.override import llm_agents, override_of
from adk_flow.models.planned.model import Planned
from adk_flow.scenario.conversation import Turn


def plays_plans(app: App) -> bool:
    """Whether plans answer an app's turns: unless a real or scripted model is named for it."""
    named = name_of_model(override_of(app).model) or os.environ.get("MODEL_NAME", "").strip()
    own = {name_of_model(agent.model) for agent in llm_agents(app)}
    return named in ("", "offline") and "scripted" not in own


def planned_for(app: App, turn: Turn) -> Planned | None:
    """Makes the model that plays a turn's plan; None where it has none, or none is played."""
    if turn.plan is None or app.root_agent is None or not plays_plans(app):
        return None
    return Planned(turn, app.root_agent)
