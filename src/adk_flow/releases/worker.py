"""The process that holds a conversation under one ADK release: `python -m` this, a job on stdin."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation

if TYPE_CHECKING:
    from google.adk.apps import App
    from google.adk.models.base_llm import BaseLlm


class Job(msgspec.Struct, frozen=True):
    """What to hold with whom, and where to write what comes of it."""

    app: str
    conversation: Conversation
    log: str
    outcome: str
    decisions: str = ""
    place: str = ""
    """Where the conversation is written."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it, besides the log."""

    adk: str = ""
    """The release that was imported."""
    root: str = ""
    """Name of the root agent."""
    kind: str = ""
    """Its class."""
    model: str = ""
    hooks: list[str] = []
    """Hooks that the release has for plugins."""
    failed: list[list[str]] = []
    """What each turn's answer lacks of what the conversation asks for."""
    left: str = ""
    """Decisions that nobody asked for."""
    faults: int = 0
    """Hooks that could not be recorded."""
    error: str = ""
    """Why the conversation could not be run."""


def do_job() -> None:
    """Does the job on stdin."""
    job = msgspec.convert(json.load(sys.stdin.buffer), Job)
    try:
        outcome = run_job(job)
    except AdkFlowError as error:
        outcome = Outcome(error=str(error))
    text = json.dumps(msgspec.to_builtins(outcome), ensure_ascii=False)
    Path(job.outcome).write_bytes(text.encode(errors="replace"))


def run_job(job: Job) -> Outcome:
    """Holds a conversation with an app and a model that decides alike each time.

    Raises:
      AdkFlowError: the app cannot be loaded, or the decisions do not fit.
    """
    # An app that chooses its model by this name need not have the key of another.
    os.environ["MODEL_NAME"] = "offline"
    from google.adk.plugins.base_plugin import BasePlugin
    from google.adk.version import __version__ as adk

    from adk_flow.models.decisions import decided
    from adk_flow.models.planned.playing import check_plans
    from adk_flow.run.app import load_app
    from adk_flow.run.conversation_run import run_conversation

    app, script = load_app(job.app), None
    if job.decisions:
        app, script = decided(app, job.decisions)
        model = script.model
    else:
        app, model = _on_offline_model(app)
    check_plans(app, {job.place: job.conversation})
    talk, left = asyncio.run(run_conversation(app, job.conversation, file=Path(job.log))), ""
    if script:
        try:
            script.finish()
        except AdkFlowError as error:
            left = str(error)
    hooks = [name for name in dir(BasePlugin) if name.endswith("_callback")]
    return Outcome(
        adk=adk,
        root=app.root_agent.name if app.root_agent else "",
        kind=type(app.root_agent).__name__,
        model=model,
        hooks=[name.removeprefix("on_").removesuffix("_callback") for name in hooks],
        failed=talk.failed_checks,
        left=left,
        faults=talk.faults,
    )


def _on_offline_model(app: App) -> tuple[App, str]:
    """Has every agent ask the offline model, unless the app brings models of its own."""
    from adk_flow.inspect.agent_graph import llm_agents
    from adk_flow.models.override import name_of_model, override_models

    # Not `canonical_model`, which makes the model and may ask for its key or package.
    models = [agent.model for agent in llm_agents(app.root_agent) if agent.model]
    names = sorted({name_of_model(model) for model in models})
    # Those that are offline are given it too, for what the app has besides its agents.
    if names and names != ["offline"] and all(map(_is_apps_own, models)):
        return app, ", ".join(names)
    return override_models(app, "offline"), "offline"


def _is_apps_own(model: str | BaseLlm) -> bool:
    """Whether a model is of a class of the app; all of ADK's are asked over a network."""
    from google.adk.models.registry import LLMRegistry

    try:
        kind = LLMRegistry.resolve(model) if isinstance(model, str) else type(model)
    except ValueError:  # nobody has registered the name
        return False
    return not kind.__module__.startswith("google.adk.")


if __name__ == "__main__":
    do_job()
