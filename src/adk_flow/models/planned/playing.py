"""What conversations ask: a plan with the offline model or none named, else models, by key."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.google_llm import Gemini
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow._adk import BaseNode
from adk_flow._text import suggest
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import agents_of, llm_agents, name_of_model
from adk_flow.models.from_env import OFFLINE, MissingKeyError, lacks_google_key
from adk_flow.models.override import Override, models_of, override_of
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.planned.model import Planned
from adk_flow.record.agents import kind_of_agent
from adk_flow.scenario.conversation import LEADLESS, AskedTurn, Conversation
from adk_flow.scenario.plan import Task
from adk_flow.scenario.yaml_file import field_of

_ANSWERING = (
    "before_run_callback",
    "before_agent_callback",
    "before_model_callback",
    "on_model_error_callback",
)
"""Hooks that may give an answer, so that no model is asked or its error is not the end."""


def plays_plans(app: App) -> bool:
    """Whether plans answer an app's turns: unless a real or scripted model is named for it."""
    named = name_of_model(override_of(app).model) or os.environ.get("MODEL_NAME", "").strip()
    root = app.root_agent if named in ("", OFFLINE) else None
    return root is not None and "scripted" not in _own_models(root)


def runs_offline(root: BaseNode) -> bool:
    """Whether the offline model is that of every agent."""
    return _own_models(root) <= {OFFLINE}


def _own_models(root: BaseNode) -> set[str]:
    return {name_of_model(agent.model) for agent in llm_agents(root)} - {""}


def planned_for(app: App, turn: AskedTurn) -> Planned | None:
    """Makes the model that plays a turn's plan; None where it has none, or none is played."""
    root = app.root_agent
    return Planned(turn, root) if turn.plan is not None and root and plays_plans(app) else None


def planned_override(planned: Planned, given: Override | None) -> Override:
    """Puts a plan's model in the place of every other, and what it says in the place of tools."""
    playing = {"model": planned, "stub": planned.stub, "choose": planned.turn.choose}
    return replace(given or Override(), **playing)


def models_asked(app: App, conversations: Iterable[Conversation]) -> list[str]:
    """Names the models that conversations with an app ask: a turn's plan, else the app's own."""
    is_played = plays_plans(app)
    played = {is_played and has for asked in conversations for has in _have_plans(asked)}
    own = models_of(app) if False in played else []
    return [*(["planned"] if True in played else []), *own]


def _have_plans(conversation: Conversation) -> Iterator[bool]:
    """Tells of each turn whether a plan plays it: its own, or that of the turn that it answers."""
    has_plan = False
    for turn in conversation.turns:
        has_plan = turn.plan is not None or (has_plan and turn.is_answer)
        yield has_plan


def check_plans(
    app: App, conversations: Mapping[str, Conversation], variants: Iterable[App] = ()
) -> None:
    """Refuses plans that conversations with an app would play as `check_tasks` does.

    Raises:
      AdkFlowError: it names such a task.
    """
    root = app.root_agent
    if root is not None and plays_plans(app):
        check_tasks(root, conversations, [each.root_agent for each in variants if each.root_agent])


def check_tasks(
    root: BaseNode, conversations: Mapping[str, Conversation], variants: Iterable[BaseNode] = ()
) -> None:
    """Refuses a plan whose task is nobody's in an app of several agents, nor in variants of it.

    Args:
      root: the app's; one agent alone, or one that a construct has made, may lack whom others have,
        and who stands behind a remote agent is not known.
      conversations: what to ask, by where it is written.
      variants: the roots of the app under other constructs.

    Raises:
      AdkFlowError: it names such a task.
    """
    own = AgentMap(root)
    others = list(map(AgentMap, variants))
    is_remote = "a2a" in map(kind_of_agent, agents_of(root))
    if len(own.nodes) == 1 or root.name in LEADLESS or is_remote:
        return
    for place, field, task in _planned_tasks(conversations):
        if not any(team.knows(task) for team in [own, *others]):
            known = [name for name in own.nodes if not name.startswith("__")]  # as `__START__`
            raise AdkFlowError(
                f"{place}: {field}: the app has no agent {task.agent!r}; there are "
                f"{', '.join(known)}{suggest(task.agent, known)}"
            )


def _planned_tasks(
    conversations: Mapping[str, Conversation],
) -> Iterator[tuple[str, str, Task]]:
    """Walks the tasks of plans, each with where it is written and its field."""
    for place, conversation in conversations.items():
        for number, turn in enumerate(conversation.turns):
            for index, task in enumerate(turn.plan or ()):
                yield place, field_of(("turns", number, "plan", index, "agent")), task


def check_keys(app: App, conversations: Iterable[Conversation]) -> None:
    """Refuses conversations whose first agent asks Gemini without a key.

    Raises:
      MissingKeyError: it does, and no callback or plugin of the app may answer in its place.
    """
    agent = next(llm_agents(app.root_agent), None)
    if agent is None or override_of(app).model or not lacks_google_key():
        return
    with suppress(ValueError):  # a model that nobody knows is the run's error
        is_gemini = type(agent.canonical_model) is Gemini
        is_asked = not KEYLESS_MODELS.issuperset(models_asked(app, conversations))
        if is_gemini and is_asked and not _may_be_answered(app, agent):
            raise MissingKeyError(agent.name, agent.canonical_model.model)


def _may_be_answered(app: App, agent: LlmAgent) -> bool:
    plugins = [type(plugin) for plugin in app.plugins]
    own = [plugin for plugin in plugins if not plugin.__module__.startswith("adk_flow.")]
    return any(
        getattr(agent, hook, None)
        or any(getattr(plugin, hook, None) is not getattr(BasePlugin, hook, None) for plugin in own)
        for hook in _ANSWERING
    )
