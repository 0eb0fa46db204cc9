"""Whether the key of a model is there, known before anything is run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.google_llm import Gemini
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.models.from_env import MissingKeyError, lacks_google_key
from adk_flow.models.override import llm_agents, override_of
from adk_flow.models.planned.playing import models_asked
from adk_flow.scenario.conversation import Conversation

_ANSWERING = (
    "before_run_callback",
    "before_agent_callback",
    "before_model_callback",
    "on_model_error_callback",
)
"""Hooks that may give an answer, so that no model is asked or its error is not the end."""


def check_keys(app: App, conversations: Iterable[Conversation]) -> None:
    """Refuses conversations whose first agent asks Gemini without a key.

    Raises:
      MissingKeyError: it does, and no callback or plugin of the app may answer in its place.
    """
    agent = next(llm_agents(app), None)
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
