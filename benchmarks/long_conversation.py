"""How long the thousandth turn of one conversation takes in ADK, beside the tenth.

One agent whose model answers at once, so that nothing but the framework is measured, in processor
time. ADK copies the session's events for each turn and looks through all of them several times.

    python benchmarks/long_conversation.py [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import logging
import os
import pstats
import statistics
import time
import warnings
from typing import NamedTuple

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types
from recorder import Instant, repeat_turn

from adk_flow._adk import spare_failing_import

AIM_WHOLE, AIM_WINDOW = 10, 2
"""Turn 1000 over turn 10, where the model sees all, and where it sees a stated window."""

WINDOW = 40
"""Events of it."""

TURNS = 5
"""Turns that a median is taken of; those before them are copies of a turn."""

_LIGHT_COPY = "ADK_ENABLE_IN_MEMORY_SESSION_SERVICE_LIGHT_COPY"


class Way(NamedTuple):
    """A way of keeping a long conversation."""

    name: str
    aim: int
    light: bool = False
    """Whether the service copies the list of events, and not each of them."""
    window: int = 0
    """Latest events that a turn sees; 0 for all."""


WAYS = (
    Way("as it comes", AIM_WHOLE),
    Way("its light-copy flag", AIM_WHOLE, light=True),
    Way(f"the last {WINDOW} events", AIM_WINDOW, window=WINDOW),
    Way(f"the last {WINDOW} events, flag", AIM_WINDOW, light=True, window=WINDOW),
)


async def _take_turns(way: Way, turn: int, profile: cProfile.Profile | None) -> list[float]:
    """Takes five turns of a conversation around one; gives their milliseconds of processor time."""
    root = LlmAgent(name="Root", model=Instant(), description="Answers.")
    service = InMemorySessionService()
    runner = Runner(app=App(name="app", root_agent=root), session_service=service)
    await service.create_session(app_name="app", user_id="u", session_id="s")
    config = GetSessionConfig(num_recent_events=way.window) if way.window else None
    took = []
    for number in range(2 + TURNS):
        if number == 2:
            repeat_turn(service.sessions["app"]["u"]["s"].events, turn - TURNS // 2 - 3)
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
    return took[2:]


def main() -> None:
    """Prints a table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--profile", action="store_true", help="of the turns around the 1000th")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    spare_failing_import()
    print(
        "| | turn 10, ms | turn 100 | turn 1000 | turn 1000 is | aim |\n|---|--:|--:|--:|--:|--:|"
    )
    for way in WAYS:
        os.environ[_LIGHT_COPY] = str(int(way.light))
        profile = cProfile.Profile() if chosen.profile else None
        tenth, hundredth, thousandth = (
            statistics.median(asyncio.run(_take_turns(way, turn, profile and used)))
            for turn, used in ((10, None), (100, None), (1000, profile))
        )
        figures = f"{tenth:.1f} | {hundredth:.1f} | {thousandth:.1f}"
        print(f"| {way.name} | {figures} | {thousandth / tenth:.1f} × | {way.aim} × |", flush=True)
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
