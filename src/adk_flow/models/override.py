"""What the agents of an app ask in place of their own models."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.models.google_llm import Gemini
from google.adk.models.registry import LLMRegistry
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.genai import types

from adk_flow._adk import BaseNode
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.inspect.agent_graph import llm_agents, model_asked, name_of_model
from adk_flow.models.cassette import Tape
from adk_flow.models.faulty import AlteredModel, Fault
from adk_flow.models.scripted import Scripted
from adk_flow.scenario.plan import PlannedCall

RETRIES = types.HttpRetryOptions(attempts=5, initial_delay=1, max_delay=30)
"""For Gemini, whose client does not retry of itself; it backs off on 408, 429 and 5xx."""


@dataclass(eq=False, repr=False)
class Override(BasePlugin):
    """Says what the agents of an app ask; a plugin without hooks, which copies of an app keep."""

    model: str | BaseLlm = ""
    latency: LatencyProfile | None = None
    retries: bool = False
    stub: Callable[[str, str, dict[str, Any]], PlannedCall | None] | None = None
    """Gives, for an agent, a tool and its arguments, the call whose result the tool gives without
    being run; None where it is run."""
    choose: Callable[[Sequence[str]], str] | None = None
    """Names, of several agents, the one that a turn is for; empty where none is."""
    fault: Fault | None = None
    """What goes wrong with one of the agents."""
    tape: Tape | None = None
    """What is answered from a cassette, of models that need a key."""

    def __post_init__(self) -> None:
        super().__init__(name="adk_flow_model_override")
        is_keyless = isinstance(self.model, Scripted) or name_of_model(self.model) in KEYLESS_MODELS
        self.exclusive = self._adapted(_made(self.model)) if is_keyless else None
        """The keyless model that everything asks, agent or not; None where there is none."""

    def model_for(self, own: Callable[[], BaseLlm]) -> BaseLlm:
        """Gives the model of an agent, of which `own` gives the one that it was written for."""
        return self.exclusive or self._adapted(_made(self.model) if self.model else own())

    def _adapted(self, model: BaseLlm) -> BaseLlm:
        if self.retries and isinstance(model, Gemini) and model.retry_options is None:
            model = model.model_copy(update={"retry_options": RETRIES})
        if not (self.fault or self.latency):
            return model
        altered = {"model": model.model, "inner": model}
        return AlteredModel(**altered, fault=self.fault, profile=self.latency)


def _made(model: str | BaseLlm) -> BaseLlm:
    return LLMRegistry.new_llm(model) if isinstance(model, str) else model


def override_models(
    app: App,
    model: str | BaseLlm = "",
    *,
    latency: LatencyProfile | None = None,
    retries: bool = False,
    tape: Tape | None = None,
) -> App:
    """Copies an app so that conversations with it ask other models; its agents are not changed.

    What was overridden before and is not named now stays. A keyless model is also asked by whatever
    else asks one. With `retries`, Gemini's client tries again where it has no options of its own;
    with a tape, models are asked only for what its cassette does not hold.
    """
    named = {"model": model, "latency": latency, "retries": retries, "tape": tape}
    return _overriding(app, **{name: value for name, value in named.items() if value})


def _overriding(app: App, **changes: Any) -> App:
    """Copies an app with another override, which keeps what is not changed."""
    others = [plugin for plugin in app.plugins if not isinstance(plugin, Override)]
    return app.model_copy(update={"plugins": [*others, replace(override_of(app), **changes)]})


def override_of(app: App) -> Override:
    """Finds what an app's agents ask; an override of nothing if that is their own models."""
    return next((plugin for plugin in app.plugins if isinstance(plugin, Override)), Override())


def with_fault(app: App, fault: Fault, latency: LatencyProfile | None) -> App:
    """Copies an app in which something goes wrong with an agent, whose models take their time."""
    new = _overriding(app, latency=latency, fault=fault)
    return new.model_copy(update={"plugins": [*new.plugins, fault]})


def models_of(app: App) -> list[str]:
    """Names the models of an app's agents, in their order; then of its plugins and summarizer."""
    override = override_of(app)
    given = name_of_model(override.model)
    names = [given or agent.canonical_model.model for agent in llm_agents(app.root_agent)]
    return list(dict.fromkeys([*names, *([] if override.exclusive else _models_beside(app))]))


def _models_beside(app: App) -> Iterator[str]:
    """Names the models that plugins and the summarizer hold in fields, or run agents on."""
    summarizer = getattr(getattr(app, "events_compaction_config", None), "summarizer", None)
    for owner in filter(None, (*app.plugins, summarizer)):
        for value in list(vars(owner).values()):
            root = value.agent if isinstance(value, Runner) else value
            if isinstance(root, BaseLlm):
                yield root.model
            elif isinstance(root, BaseNode):
                yield from map(model_asked, llm_agents(root))
