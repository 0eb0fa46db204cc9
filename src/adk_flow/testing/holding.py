"""A conversation held for a test: on a scripted or offline model, without a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.workflow import BaseNode

from adk_flow.application import load_application, recorded_by
from adk_flow.conversation import Conversation
from adk_flow.experiment import Held
from adk_flow.experiment import hold as hold_in_session
from adk_flow.flow import Flow, read_flow
from adk_flow.models.given import llm_agents, set_model
from adk_flow.models.scripted import Decision, Scripted
from adk_flow.plugin import FlowPlugin


async def hold(
    subject: App | BaseNode | str | Path,
    conversation: Conversation,
    file: Path,
    script: Mapping[str, Sequence[Decision]] | None = None,
    model: str | BaseLlm | None = None,
    *,
    may_fail: bool = False,
) -> Flow:
    """Holds a conversation and reads its log; see `FlowFixture.hold`."""
    if script is not None:
        if model is not None:
            raise TypeError("give a script or a model, and not both")
        model = Scripted(script={name: list(decisions) for name, decisions in script.items()})
    app = _app(subject)
    with _on_model(app, model):
        _check_keyless(app)
        held = await hold_in_session(app, conversation, file=file)
    return _read(held, conversation, model, may_fail)


def _app(subject: App | BaseNode | str | Path) -> App:
    """Makes an app that keeps all words, whatever its own recorder or the environment says."""
    if isinstance(subject, (str, Path)):
        subject = load_application(subject)
    app = subject if isinstance(subject, App) else App(name=subject.name, root_agent=subject)
    own = next((plugin for plugin in app.plugins if isinstance(plugin, FlowPlugin)), None)
    return recorded_by(app, FlowPlugin(texts="full", construct=own.construct if own else ""))


@contextmanager
def _on_model(app: App, model: str | BaseLlm | None) -> Iterator[None]:
    """Puts a model into every agent, and afterwards its own back."""
    own = [(agent, agent.model) for agent in llm_agents(app)]
    try:
        if model is not None:
            set_model(app, model)
        yield
    finally:
        for agent, was in own:
            agent.model = was


def _check_keyless(app: App) -> None:
    """Refuses models that are called over the network.

    Raises:
      ValueError: an agent has one.
    """
    for agent in llm_agents(app):
        if name := _live_model(agent):
            raise ValueError(
                f"{agent.name} runs on {name}, which needs a key: give model='offline', or "
                f"script={{'{agent.name}': […]}}"
            )


def _live_model(agent: LlmAgent) -> str:
    """Names an agent's model if it is one of ADK's own, which are all called over the network."""
    if isinstance(agent.model, str) and "/" in agent.model:
        return agent.model
    try:
        model = agent.canonical_model
    except ValueError:  # nobody has registered the name
        return str(agent.model)
    return model.model if type(model).__module__.startswith("google.adk.") else ""


def _read(
    held: Held, conversation: Conversation, model: str | BaseLlm | None, may_fail: bool
) -> Flow:
    if held.log is None or held.faults:
        raise AssertionError(f"adk-flow could not record {held.faults or 'all'} hooks")
    flow = read_flow(held.log, conversation.planted)
    lacking = [
        f"turn {number}: {reason}"
        for number, reasons in enumerate(held.failed_checks, start=1)
        for reason in reasons
    ]
    if lacking and not may_fail:
        raise AssertionError("; ".join(lacking))
    if isinstance(model, Scripted):
        model.finish()
    return flow
