"""Runs agents with the recorder, and draws moves as lines that a test can expect."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.analysis.moves import Move, moves
from adk_flow.log.reader import Log, read_log
from adk_flow.models.scripted import Scripted
from adk_flow.record.plugin import FlowPlugin


class Flow(NamedTuple):
    """A conversation as it was recorded."""

    log: Log
    moves: list[Move]
    errors: list[Exception]
    plugin: FlowPlugin
    events: list[Any]

    @property
    def hooks(self) -> list[str]:
        return [record.hook for record in self.log.records]


def agent(name: str, model: Any, **options: Any) -> LlmAgent:
    return LlmAgent(name=name, model=model, description=f"{name} knows.", **options)


async def record(root: Any, questions: list[str], folder: Path, **options: Any) -> Flow:
    """Asks an agent tree in one session; errors that end a run are kept, and the next goes on."""
    model = options.pop("model", None)
    plugins = options.pop("plugins", [])
    plugin = FlowPlugin(directory=folder, **options)
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[plugin, *plugins]),
        session_service=InMemorySessionService(),
    )
    session = await runner.session_service.create_session(app_name="app", user_id="u")
    errors: list[Exception] = []
    events: list[Any] = []
    for question in questions:
        try:
            async for event in runner.run_async(
                user_id="u", session_id=session.id, new_message=types.UserContent(question)
            ):
                events.append(event)
        except Exception as error:
            errors.append(error)
    await runner.close()
    assert not plugin.faults, plugin.first_fault
    if isinstance(model, Scripted):
        model.finish()
    log = read_log(plugin.paths[0])
    return Flow(log, moves(log.records), errors, plugin, events)


def picture(drawn: list[Move]) -> str:
    """Draws control with arrows and conversation in quotes, a line a move, a gap a turn."""
    lines, turn = [], 1
    for move in drawn:
        if move.turn != turn:
            turn = move.turn
            lines.append("")
        lines.append(_line(move))
    return "\n".join(lines)


def _line(move: Move) -> str:
    failed = " FAILED" if move.failed else ""
    match move.kind:
        case "start" | "end":
            return f"{move.kind} {move.source} to {move.target}{failed}"
        case "transfer":
            return f"{move.source} => {move.target}"
        case "call":
            return f"{move.source} -> {move.target} ({move.cause})"
        case "return":
            return f"{move.target} <- {move.source}{failed}"
        case "fork":
            return f"{move.source} -< {move.target}"
        case "join":
            return f"{move.source} >-"
        case _:
            return f'{move.source} {move.kind} {move.target} "{move.text}"'


def expected(text: str) -> str:
    """Strips the indentation of a picture that stands in a test."""
    return dedent(text).strip()
