"""The models of a loaded app's agents: which they are, and one model or one pace for all."""

from __future__ import annotations

from collections.abc import Iterator

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.models.google_llm import Gemini
from google.adk.models.registry import LLMRegistry
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.genai import types

from adk_flow._adk import BaseNode
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import CONTROLLED_MODELS
from adk_flow.inspect.agent_graph import agents_of, model_asked, name_of_model
from adk_flow.models.delayed import DelayedModel
from adk_flow.models.override import Given
from adk_flow.models.scripted import Scripted

RETRIES = types.HttpRetryOptions(attempts=5, initial_delay=1, max_delay=30)
"""For Gemini, whose client does not retry of itself; it backs off on 408, 429 and 5xx."""


def models_of(app: App) -> list[str]:
    """Names the models of an app's agents, in their order; then of its plugins and summarizer."""
    names = [agent.canonical_model.model for agent in llm_agents(app)]
    return list(dict.fromkeys([*names, *([] if given_to(app) else _models_beside(app))]))


def _models_beside(app: App) -> Iterator[str]:
    """Names the models that plugins and the summarizer hold in fields, or run agents on."""
    summarizer = getattr(getattr(app, "events_compaction_config", None), "summarizer", None)
    for owner in filter(None, (*app.plugins, summarizer)):
        for value in list(vars(owner).values()):
            root = value.agent if isinstance(value, Runner) else value
            if isinstance(root, BaseLlm):
                yield root.model
            elif isinstance(root, BaseNode):
                yield from (
                    model_asked(one) for one in agents_of(root) if isinstance(one, LlmAgent)
                )


def is_controlled(app: App) -> bool:
    """Whether every model of an app decides the same way each time."""
    return set(models_of(app)) <= CONTROLLED_MODELS


def set_model(app: App, model: str | BaseLlm) -> None:
    """Gives every agent of a loaded app one model, whatever model it names."""
    plugin = ModelForAll(model)
    agents = list(llm_agents(app))
    for agent in agents:
        plugin.note(agent)  # before any has another: an agent may inherit its model
    for agent in agents:
        agent.model = model
    app.plugins.append(plugin)


class ModelForAll(BasePlugin):
    """Gives its model to agents that a run makes, which no walk of the loaded app finds.

    A conversation held with the app also asks no other model where the plugin is not told of it,
    if the model is a controlled one: see `given_to`.
    """

    def __init__(self, model: str | BaseLlm, name: str = "model_for_all") -> None:
        super().__init__(name=name)
        self.model = model
        self.own: dict[str, str] = {}
        """The model that each agent was written for, by the agent's name."""

    def note(self, agent: LlmAgent) -> None:
        """Notes which model an agent was written for."""
        self.own.setdefault(agent.name, model_asked(agent))

    def give_to(self, agent: LlmAgent) -> None:
        """Gives the model to an agent, unless it has a pace."""
        if not isinstance(agent.model, DelayedModel):
            agent.model = self.model

    async def before_agent_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext
    ) -> None:
        """Gives the model to an agent before its first request."""
        if isinstance(agent, LlmAgent):
            self.note(agent)
            self.give_to(agent)


def given_to(app: App) -> Given | None:
    """Finds the controlled model that was given to an app; None if it has its own or a live one."""
    plugins = [plugin for plugin in app.plugins if isinstance(plugin, ModelForAll)]
    if not plugins:
        return None
    model = plugins[-1].model
    if not isinstance(model, Scripted) and name_of_model(model) not in CONTROLLED_MODELS:
        return None
    return Given(LLMRegistry.new_llm(model) if isinstance(model, str) else model, plugins[-1].own)


def set_latency(app: App, pace: LatencyProfile) -> None:
    """Makes every agent's model take the time of a pace."""
    for agent in llm_agents(app):
        inner = agent.canonical_model
        agent.model = DelayedModel(model=inner.model, inner=inner, pace=pace)
    given = given_to(app)
    for plugin in app.plugins:
        if given and isinstance(plugin, ModelForAll):
            plugin.model = DelayedModel(model=given.model.model, inner=given.model, pace=pace)


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
