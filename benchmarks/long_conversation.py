"""How long the thousandth turn of one conversation takes in ADK, beside the tenth.

One agent whose model answers at once, so that nothing but the framework is measured, in processor
time. ADK copies the session's events for each turn and looks through all of them several times;
the last two ways spare it that with a session service and a plugin of a few lines.

    python benchmarks/long_conversation.py [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import logging
import os
import pstats
import time
import warnings
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types
from pydantic import Field
from recorder import Instant, repeat_turn

from adk_flow.record.failing_import import spare_failing_import

AIM_WHOLE, AIM_WINDOW = 10, 2
"""Turn 1000 over turn 10, where the model sees all, and where it sees a stated window."""

WINDOW = 40
"""Events of it."""

TURNS = 5
"""Turns of which the shortest counts; those before them are copies of a turn."""

_LIGHT_COPY = "ADK_ENABLE_IN_MEMORY_SESSION_SERVICE_LIGHT_COPY"


class Way(NamedTuple):
    """A way of keeping a long conversation."""

    name: str
    aim: int
    light: bool = False
    """Whether the service copies the list of events, and not each of them."""
    window: int = 0
    """Latest events that a turn sees; 0 for all."""
    apart: bool = False
    """Whether the service keeps older events apart."""
    older: bool = False
    """Whether a plugin puts the contents of older events before those of the window."""


WAYS = (
    Way("as it comes", AIM_WHOLE),
    Way("its light-copy flag", AIM_WHOLE, light=True),
    Way(f"the last {WINDOW} events", AIM_WINDOW, window=WINDOW),
    Way(f"the last {WINDOW} events, flag", AIM_WINDOW, light=True, window=WINDOW),
    Way("the same, older events apart", AIM_WINDOW, light=True, window=WINDOW, apart=True),
    Way("and put before by a plugin", AIM_WHOLE, light=True, window=WINDOW, apart=True, older=True),
)


class OlderApart(InMemorySessionService):
    """Keeps old events where nobody looks through them for each new one."""

    def __init__(self) -> None:
        super().__init__()
        self.older: list[Event] = []
        """Of its one session."""

    def put_apart(self, events: list[Event]) -> None:
        """Moves all events before the last window."""
        self.older += events[:-WINDOW]
        del events[:-WINDOW]

    async def append_event(self, session: Session, event: Event) -> Event:
        """Keeps another event."""
        event = await super().append_event(session, event)
        stored = self.sessions[session.app_name][session.user_id][session.id].events
        if len(stored) > 2 * WINDOW:
            self.put_apart(stored)
        return event


class OlderContents(BasePlugin):
    """Gives the model all that was said, of which ADK made the latest part ready.

    For one agent, each of whose events is one content of its requests.
    """

    def __init__(self) -> None:
        super().__init__(name="older_contents")
        self.said: list[types.Content | None] = []

    async def on_user_message_callback(self, *, user_message: types.Content, **_: Any) -> None:
        """Keeps what the user said."""
        self.said.append(user_message)

    async def on_event_callback(self, *, event: Event, **_: Any) -> None:
        """Keeps what the agent said."""
        self.said.append(event.content)

    async def before_model_callback(self, *, llm_request: LlmRequest, **_: Any) -> None:
        """Puts what is older before the window."""
        before = len(self.said) - len(llm_request.contents)
        llm_request.contents[:0] = [content for content in self.said[:before] if content]


class Model(Instant):
    """Answers at once, and keeps what it was sent."""

    sent: list[types.Content] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Answers."""
        self.sent = llm_request.contents
        async for response in super().generate_content_async(llm_request, stream):
            yield response


async def _take_turns(
    way: Way, turn: int, profile: cProfile.Profile | None
) -> tuple[float, list[types.Content]]:
    """Takes five turns of a conversation around one.

    Gives the milliseconds of processor time of the shortest, and the contents of the last request.
    """
    model, plugin = Model(), OlderContents()
    root = LlmAgent(name="Root", model=model, description="Answers.")
    service = OlderApart() if way.apart else InMemorySessionService()
    app = App(name="app", root_agent=root, plugins=[plugin] if way.older else [])
    runner = Runner(app=app, session_service=service)
    await service.create_session(app_name="app", user_id="u", session_id="s")
    config = GetSessionConfig(num_recent_events=way.window) if way.window else None
    took = []
    for number in range(2 + TURNS):
        if number == 2:
            events = service.sessions["app"]["u"]["s"].events
            repeat_turn(events, turn - TURNS // 2 - 3)
            plugin.said = [event.content for event in events]
            if isinstance(service, OlderApart):
                service.put_apart(events)
        if profile and number == 2:
            profile.enable()
        began = time.process_time()
        async for _ in runner.run_async(
            user_id="u",
            session_id="s",
            new_message=types.UserContent(f"How much is it, for the {number}th time?"),
            run_config=RunConfig(get_session_config=config),
        ):
            pass
        took.append((time.process_time() - began) * 1e3)
    if profile:
        profile.disable()
    return min(took[2:]), model.sent


def main() -> None:
    """Prints a table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--profile", action="store_true", help="of the turns around the 1000th")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    spare_failing_import()
    columns = ("", "turn 10, ms", "turn 100", "turn 1000", "turn 1000 is", "aim", "the model saw")
    print(f"| {' | '.join(columns)} |\n|---|{'--:|' * 6}")
    whole: list[types.Content] = []
    for way in WAYS:
        os.environ[_LIGHT_COPY] = str(int(way.light))
        profile = cProfile.Profile() if chosen.profile else None
        (tenth, _), (hundredth, _), (thousandth, sent) = (
            asyncio.run(_take_turns(way, turn, profile and used))
            for turn, used in ((10, None), (100, None), (1000, profile))
        )
        whole = whole or sent
        seen = "all" if sent == whole else f"{len(sent)} of {len(whole)}"
        figures = f"{tenth:.1f} | {hundredth:.1f} | {thousandth:.1f}"
        ratio = f"{thousandth / tenth:.1f} × | {way.aim} ×"
        print(f"| {way.name} | {figures} | {ratio} | {seen} |", flush=True)
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
