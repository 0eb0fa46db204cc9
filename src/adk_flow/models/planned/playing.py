"""When a plan plays: with the offline model, or where no model is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App

from adk_flow._adk import BaseNode
from adk_flow.inspect.agent_graph import agents_of, name_of_model
from adk_flow.models.override import Override, models_of, override_of
from adk_flow.models.planned.model import Planned
from adk_flow.scenario.conversation import AskedTurn, Conversation

_OFFLINE = "offline"


def plays_plans(root: BaseNode, named: str = "") -> bool:
    """Whether plans answer an app's turns: unless a real or scripted model is named for it."""
    named = named or os.environ.get("MODEL_NAME", "").strip()
    return named in ("", _OFFLINE) and "scripted" not in _own_models(root)


def runs_offline(root: BaseNode) -> bool:
    """Whether the offline model is that of every agent."""
    return _own_models(root) <= {_OFFLINE}


def _own_models(root: BaseNode) -> set[str]:
    agents = [node for node in agents_of(root) if isinstance(node, LlmAgent)]
    return {name_of_model(agent.model) for agent in agents} - {""}


def planned_for(app: App, turn: AskedTurn) -> Planned | None:
    """Makes the model that plays a turn's plan; None where it has none, or none is played."""
    root = app.root_agent
    if turn.plan is None or root is None:
        return None
    named = name_of_model(override_of(app).model)
    return Planned(turn, root) if plays_plans(root, named) else None


def models_asked(app: App, conversations: Iterable[Conversation]) -> list[str]:
    """Names the models that conversations with an app ask: a turn's plan, else the app's own."""
    root = app.root_agent
    is_played = root is not None and plays_plans(root, name_of_model(override_of(app).model))
    played = {is_played and has for asked in conversations for has in _have_plans(asked)}
    own = models_of(app) if False in played else []
    return [*(["planned"] if True in played else []), *own]


def _have_plans(conversation: Conversation) -> Iterator[bool]:
    """Tells of each turn whether a plan plays it: its own, or that of the turn that it answers."""
    has_plan = False
    for turn in conversation.turns:
        has_plan = turn.plan is not None or (has_plan and turn.is_answer)
        yield has_plan


def planned_override(planned: Planned, given: Override | None) -> Override:
    """Puts a plan's model in the place of every other, and what it says in the place of tools."""
    given = given or Override()
    playing = {"stub": planned.stub, "choose": planned.choose}
    return Override(planned, given.latency, fault=given.fault, **playing)
