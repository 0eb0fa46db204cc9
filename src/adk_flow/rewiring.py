"""A loaded app under other constructs, and on other models."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
from adk_flow.one_by_one import one_by_one
from adk_flow.pace import Pace
from adk_flow.tree import agents_of
from adk_flow.wiring import CONSTRUCTS, DEPRECATED, WiringError, parts_of, wire

AS_IS = "as_is"
"""The app as its owner wired it, in the place of a construct."""
ONE_BY_ONE = "one_by_one"
"""The same, but what it would do at once is done one after the other."""

DEPRECATED_FORM = "deprecated_"
"""What stands before a construct's name for ADK's deprecated agent in place of a Workflow."""
KNOWN = (AS_IS, ONE_BY_ONE, *CONSTRUCTS, *(DEPRECATED_FORM + name for name in DEPRECATED))

RETRIES = types.HttpRetryOptions(attempts=5, initial_delay=1, max_delay=30)
"""For Gemini, whose client does not retry of itself; it backs off on 408, 429 and 5xx."""


class Rewired(NamedTuple):
    """An app under several constructs."""

    apps: dict[str, App]
    team: list[str]
    """The specialists."""
    skipped: dict[str, str]
    """Constructs that it cannot be wired as, with the reason."""
    left_out: list[str]
    """What of it is not rewired, each with its reason."""


def rewired(app: App, constructs: Sequence[str]) -> Rewired:
    """Wires the lead and specialists of an app under each construct.

    Raises:
      WiringError: it can be wired under none of them.
    """
    result = Rewired({}, [], {}, [])
    if AS_IS in constructs:
        result.apps[AS_IS] = app
    if ONE_BY_ONE in constructs:
        result.apps[ONE_BY_ONE] = one_by_one(app)
    wanted = [name for name in constructs if name not in (AS_IS, ONE_BY_ONE)]
    if not wanted or app.root_agent is None:
        return result
    try:
        lead, specialists, left_out = parts_of(app.root_agent)
    except WiringError as error:
        if not result.apps:
            raise
        result.skipped.update(dict.fromkeys(wanted, str(error)))
        return result
    result.left_out.extend(left_out)
    result.team.extend(agent.name for agent in specialists)
    for name in wanted:
        try:
            plain = name.removeprefix(DEPRECATED_FORM)
            root = wire(lead, specialists, plain, deprecated=plain != name)
        except WiringError as error:
            result.skipped[name] = str(error)
        else:
            result.apps[name] = app.model_copy(update={"root_agent": root})
    if not result.apps:
        raise WiringError("; ".join(result.skipped.values()))
    return result


def models_of(app: App) -> list[str]:
    """Names the models of an app's agents, in order of their agents."""
    return list(dict.fromkeys(agent.canonical_model.model for agent in _llm_agents(app)))


def is_controlled(app: App) -> bool:
    """Whether every agent runs on a model that decides the same way each time."""
    return set(models_of(app)) <= CONTROLLED_MODELS


def set_model(app: App, model: str | BaseLlm) -> None:
    """Gives every agent of a loaded app one model, whatever model it names."""
    for agent in _llm_agents(app):
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
    for agent in _llm_agents(app):
        inner = agent.canonical_model
        agent.model = Paced(model=inner.model, inner=inner, pace=pace)


def set_retries(app: App) -> None:
    """Makes Gemini's client try again where it has no retry options; LiteLLM's does of itself."""
    for agent in _llm_agents(app):
        model = agent.canonical_model
        if isinstance(model, Gemini) and model.retry_options is None:
            agent.model = model.model_copy(update={"retry_options": RETRIES})


def _llm_agents(app: App) -> Iterator[LlmAgent]:
    if app.root_agent is not None:
        agents = list(agents_of(app.root_agent))
        yield from (agent for agent in agents if isinstance(agent, LlmAgent))


def identity_of(app: App, slept: Pace | None) -> dict[str, str]:
    """Gives what makes runs comparable: the app, its agents as they are written, model and pace."""
    told = "\n".join(_told(agent) for agent in _llm_agents(app))
    return {
        "app": app.name,
        "agents": hashlib.blake2b(told.encode(errors="replace"), digest_size=8).hexdigest(),
        "model": ", ".join(models_of(app)),
        "slept pace": slept.name if slept else "none",
    }


def _told(agent: LlmAgent) -> str:
    tools = [getattr(tool, "name", "") or getattr(tool, "__name__", "") for tool in agent.tools]
    words = agent.instruction if isinstance(agent.instruction, str) else ""
    return repr((agent.name, agent.description, words, tools, agent.mode))
