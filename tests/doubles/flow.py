"""Agents held a conversation with, with options of the recorder and errors that end a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import Flow
from adk_flow.log.schema import Record
from adk_flow.models.scripted import Scripted
from adk_flow.record.plugin import FlowPlugin


class RecordedFlow(Flow):
    """A conversation as the log tells it, and what the log does not hold."""

    def __init__(self, plugin: FlowPlugin, events: list[Event], errors: list[Exception]) -> None:
        super().__init__(read_trace(plugin.paths[0]))
        self.plugin = plugin
        self.events = events
        self.errors = errors
        """Those that ended a run."""

    def of(self, hook: str) -> list[Record]:
        return [record for record in self.log.records if record.hook == hook]

    @property
    def hooks(self) -> list[str]:
        return [record.hook for record in self.log.records]


def agent(name: str, model: Any, **options: Any) -> LlmAgent:
    knows = {"Loans": " the cost"}.get(name, "")  # for a classifier
    return LlmAgent(name=name, model=model, description=f"{name} knows{knows}.", **options)


Question = str | Callable[[list[Event]], types.Content]
"""What to say, or what to answer to all events so far."""


async def record(
    root: Any, questions: Sequence[Question], folder: Path, **options: Any
) -> RecordedFlow:
    """Asks an agent tree in one session; errors that end a run are kept, and the next goes on."""
    model = options.pop("model", None)
    plugins, before = options.pop("plugins", []), options.pop("before", [])
    run_config = options.pop("run_config", None)
    of_app = {name: options.pop(name) for name in [*options] if name in App.model_fields}
    plugin = FlowPlugin(directory=folder, **options)
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[*before, plugin, *plugins], **of_app),
        session_service=InMemorySessionService(),
    )
    session = await runner.session_service.create_session(app_name="app", user_id="u")
    errors: list[Exception] = []
    events: list[Event] = []
    for question in questions:
        try:
            async for event in runner.run_async(
                user_id="u",
                session_id=session.id,
                new_message=types.UserContent(question)
                if isinstance(question, str)
                else question(events),
                run_config=run_config,
            ):
                events.append(event)
        except Exception as error:
            errors.append(error)
    await runner.close()
    assert not plugin.faults, plugin.first_fault
    if isinstance(model, Scripted):
        model.finish()
    return RecordedFlow(plugin, events, errors)


def expected(text: str) -> str:
    """Strips the indentation of lines that stand in a test."""
    return dedent(text).strip()
