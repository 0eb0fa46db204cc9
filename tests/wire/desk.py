"""Three specialists and what it takes to talk to them: one conversation, recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import (
    RunConfig,
    StreamingMode,  # pyright: ignore[reportPrivateImportUsage]
)
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.analysis.moves import Move, moves
from adk_flow.log.reader import read_log
from adk_flow.log.schema import Record
from adk_flow.record.plugin import FlowPlugin, Listener
from tests.wire.model_server import Call, ModelServer


def monthly_repayment(loan: float, years: int) -> dict[str, float]:
    """Works out what a mortgage costs a month."""
    return {"monthly": loan / years / 12}


def years_to_goal(goal: float, monthly: float) -> dict[str, float]:
    """Works out how long saving takes."""
    return {"years": goal / monthly / 12}


def pot_needed(income: float) -> dict[str, float]:
    """Works out the pension pot that pays an income."""
    return {"pot": income * 25}


REPAYMENT = Call("monthly_repayment", {"loan": 240_000.0, "years": 20})
SMALLER_REPAYMENT = Call("monthly_repayment", {"loan": 120_000.0, "years": 20})
YEARS_TO_GOAL = Call("years_to_goal", {"goal": 12_000.0, "monthly": 100.0})
POT_NEEDED = Call("pot_needed", {"income": 20_000.0})


def transfer(agent: str) -> Call:
    return Call("transfer_to_agent", {"agent_name": agent})


def ask(agent: str, request: str) -> Call:
    return Call(agent, {"request": request})


def specialist(name: str, model: BaseLlm, tool: Callable[..., Any], **wiring: Any) -> LlmAgent:
    return LlmAgent(
        name=name,
        model=model,
        description=f"Answers questions about {name.lower()}.",
        instruction=f"You know all about {name.lower()}.",
        tools=[tool],
        **wiring,
    )


def mortgage(model: BaseLlm, **wiring: Any) -> LlmAgent:
    return specialist("Mortgage", model, monthly_repayment, **wiring)


def savings(model: BaseLlm) -> LlmAgent:
    return specialist("Savings", model, years_to_goal)


def pensions(model: BaseLlm) -> LlmAgent:
    return specialist("Pensions", model, pot_needed)


def root(model: BaseLlm, **wiring: Any) -> LlmAgent:
    return LlmAgent(name="Root", model=model, instruction="You are the desk.", **wiring)


class Flow(NamedTuple):
    """A conversation as the log and the session tell it."""

    records: list[Record]
    events: list[Event]
    error: Exception | None
    """The latest that ended a turn."""

    def of(self, hook: str) -> list[Record]:
        return [record for record in self.records if record.hook == hook]

    @property
    def picture(self) -> list[str]:
        return [_drawn(move) for move in moves(self.records)]


def _drawn(move: Move) -> str:
    line = f"{move.kind} {move.source} -> {move.target}"
    if move.failed:
        return f"{line} FAILED"
    return f"{line}: {move.text}" if move.text else line


async def talk(
    server: ModelServer,
    agent: LlmAgent,
    *messages: str,
    log: Path,
    stream: bool = False,
    listener: Listener | None = None,
) -> Flow:
    """Says the messages to an agent one after the other, even after a turn that failed."""
    plugin = FlowPlugin(file=log, listener=listener)
    app = App(name="desk", root_agent=agent, plugins=[plugin])
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name="desk", user_id="user")
    runner = Runner(app=app, session_service=sessions)
    mode = StreamingMode.SSE if stream else StreamingMode.NONE
    events, error = [], None
    for message in messages:
        try:
            async for event in runner.run_async(
                user_id="user",
                session_id=session.id,
                new_message=types.UserContent(message),
                run_config=RunConfig(streaming_mode=mode),
            ):
                events.append(event)
        except Exception as raised:
            error = raised
    await runner.close()
    server.finish()
    assert not plugin.faults
    return Flow(read_log(log).records, events, error)
