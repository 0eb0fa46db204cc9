"""The models of a loaded app's agents: which they are, and one model or one pace for all."""

from __future__ import annotations

import os
from collections.abc import Iterator

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.models.google_llm import Gemini
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types

from adk_flow.measured_run import CONTROLLED_MODELS
from adk_flow.models.paced import Paced
from adk_flow.pace import Pace
from adk_flow.tree import agents_of

RETRIES = types.HttpRetryOptions(attempts=5, initial_delay=1, max_delay=30)
"""For Gemini, whose client does not retry of itself; it backs off on 408, 429 and 5xx."""


def models_of(app: App) -> list[str]:
    """Names the models of an app's agents, in order of their agents."""
    return list(dict.fromkeys(agent.canonical_model.model for agent in llm_agents(app)))


def is_controlled(app: App) -> bool:
    """Whether every agent runs on a model that decides the same way each time."""
    return set(models_of(app)) <= CONTROLLED_MODELS


def set_model(app: App, model: str | BaseLlm) -> None:
    """Gives every agent of a loaded app one model, whatever model it names."""
    for agent in llm_agents(app):
        agent.model = model
    app.plugins.append(_ModelForAll(model))
    if (model if isinstance(model, str) else model.model) in CONTROLLED_MODELS:
        # Google's built-in tools refuse other models than Gemini (2.13, google_search_tool.py);
        # these pass them over.
        os.environ.setdefault("ADK_DISABLE_GEMINI_MODEL_ID_CHECK", "true")


class _ModelForAll(BasePlugin):
    """Gives its model to agents that a run makes, which no walk of the loaded app finds."""

    def __init__(self, model: str | BaseLlm) -> None:
        super().__init__(name="model_for_all")
        self._model = model

    async def before_agent_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext
    ) -> None:
        """Gives the model to an agent before its first request, unless it has a pace."""
        if isinstance(agent, LlmAgent) and not isinstance(agent.model, Paced):
            agent.model = self._model


def set_pace(app: App, pace: Pace) -> None:
    """Makes every agent's model take the time of a pace."""
    for agent in llm_agents(app):
        inner = agent.canonical_model
        agent.model = Paced(model=inner.model, inner=inner, pace=pace)


def set_retries(app: App) -> None:
    """Makes Gemini's client try again where it has no retry options; LiteLLM's does of itself."""
    for agent in llm_agents(app):
        model = agent.canonical_model
        if isinstance(model, Gemini) and model.retry_options is None:
            agent.model = model.model_copy(update={"retry_options": RETRIES})


def llm_agents(app: App) -> Iterator[LlmAgent]:
    """Walks the agents of an app that have a model."""
    if app.root_agent is not None:
        agents = list(agents_of(app.root_agent))
        yield from (agent for agent in agents if isinstance(agent, LlmAgent))
