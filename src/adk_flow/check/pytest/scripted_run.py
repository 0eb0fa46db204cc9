"""A conversation run for a test: on a scripted or offline model, without a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm

from adk_flow._adk import BaseNode
from adk_flow.check.flow import Flow, read_flow
from adk_flow.inspect.agent_graph import agents_of, llm_agents
from adk_flow.models.override import Override, override_models, override_of
from adk_flow.models.scripted import Decision, Scripted
from adk_flow.record.plugin import FlowPlugin
from adk_flow.run.app import load_app, with_recorder
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import Conversation


async def run_scripted(
    subject: App | BaseNode | str | Path,
    conversation: Conversation,
    file: Path,
    script: Mapping[str, Sequence[Decision]] | None = None,
    model: str | BaseLlm | None = None,
    *,
    may_fail: bool = False,
) -> Flow:
    """Holds a conversation and reads its log; see `FlowFixture.run`."""
    model = _model(script, model)
    app = override_models(_app(subject), model or "")
    _check_keyless(app)
    run = await run_conversation(app, conversation, file=file)
    flow = _read(run, conversation, model, may_fail)
    if app.root_agent is not None:
        flow.known = [node.name for node in agents_of(app.root_agent)]
    return flow


def _model(
    script: Mapping[str, Sequence[Decision]] | None, model: str | BaseLlm | None
) -> str | BaseLlm | None:
    """Gives the model that is asked for, if one is."""
    if script is None:
        if model is None or isinstance(model, (str, BaseLlm)):
            return model
        raise TypeError(f"model: expected a name such as 'offline', or a BaseLlm, got {model!r}")
    if model is not None:
        raise TypeError("give a script or a model, and not both")
    if not isinstance(script, Mapping):
        expected = "decisions by agent, {'Root': […]}"
        raise TypeError(f"script: expected {expected}, got {_kind(script)}")
    for name, decisions in script.items():
        if isinstance(decisions, str) or not isinstance(decisions, Sequence):
            kind = _kind(decisions)
            raise TypeError(f"script[{name!r}]: expected a list of decisions, got {kind}")
    return Scripted(script={name: list(decisions) for name, decisions in script.items()})


def _kind(value: object) -> str:
    return "a text" if isinstance(value, str) else f"a {type(value).__name__}"


def _app(subject: App | BaseNode | str | Path) -> App:
    """Makes an app that keeps all words, whatever its own recorder or the environment says."""
    if not isinstance(subject, (App, BaseNode, str, Path)):
        raise TypeError(f"expected an agent, an App, or the path of an app, got {subject!r:.80}")
    app = load_app(subject)
    own = next((plugin for plugin in app.plugins if isinstance(plugin, FlowPlugin)), None)
    construct = own.recorder.construct if own else ""
    return with_recorder(app, FlowPlugin(capture="full", construct=construct))


def _check_keyless(app: App) -> None:
    """Refuses models that are called over the network."""
    override = override_of(app)
    for agent in llm_agents(app.root_agent):
        if model := _live_model(override.model or agent.model, agent, override):
            raise ValueError(
                f"{agent.name} runs on {model}: give model='offline', or "
                f"script={{'{agent.name}': […]}}"
            )


def _live_model(asked: str | BaseLlm, agent: LlmAgent, override: Override) -> str:
    """Tells of a model if it is one of ADK's own, all called over the network, or none."""
    needs_key = "which needs a key"
    if isinstance(asked, str) and "/" in asked:
        return f"{asked}, {needs_key}"
    try:
        model = override.model_for(lambda: agent.canonical_model)
    except ValueError:  # nobody has registered the name
        return f"{asked}, which is not a known model"
    return f"{model.model}, {needs_key}" if type(model).__module__.startswith("google.adk.") else ""


def _read(
    run: ConversationRun, conversation: Conversation, model: str | BaseLlm | None, may_fail: bool
) -> Flow:
    if run.log is None or run.faults:
        raise AssertionError(f"adk-flow could not record {run.faults or 'all'} hooks")
    flow = read_flow(run.log, conversation.planted)
    if run.lacking and not may_fail:
        raise AssertionError("; ".join(run.lacking))
    if isinstance(model, Scripted):
        model.finish()
    return flow
