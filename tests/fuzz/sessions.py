"""Conversations with one random tree, of several users at once."""

import asyncio
import random
from pathlib import Path
from typing import Any

from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App, ResumabilityConfig
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow import FlowPlugin
from tests.fuzz.books import Books, Turn, Witness, current
from tests.fuzz.dice import Dice
from tests.fuzz.meddlers import HOOKS, Meddler
from tests.fuzz.trees import Grower


class Conversations:
    """An app around a random tree, with one or several sessions."""

    def __init__(self, seed: int, folder: Path) -> None:
        dice = random.Random(seed)
        self.faults, repeats_ids = dice.random() < 0.3, dice.random() < 0.2
        self.streams, self.pauses = dice.random() < 0.25, dice.random() < 0.3
        self.is_resumable = self.pauses and dice.random() < 0.5
        self.limit = 5 if dice.random() < 0.05 else 200
        model = Dice(faults=self.faults, repeats_ids=repeats_ids)
        before, after = dice.random() < 0.1, dice.random() < 0.2
        in_agents = [_meddler("own", dice, model)] if dice.random() < 0.2 else []
        self.before = [_meddler("before", dice, model)] if before else []
        self.after = [_meddler("after", dice, model)] if after else []
        self.root = Grower(dice, model, in_agents, pauses=self.pauses).tree()
        meddles = [*in_agents, *self.before, *self.after]
        disturbed = self.faults or self.pauses or repeats_ids or self.limit < 200
        self.is_undisturbed = not (disturbed or meddles)
        """Whether nothing fails, pauses, or answers in another's place; ADK gives the result of a
        graph again, without running it, if its call has the id of one before."""
        self.recorder = FlowPlugin(directory=folder)
        self.turns, count = dice.choice([1, 2, 2, 3]), dice.choice([1, 1, 1, 1, 2, 3])
        self.books = [
            Books(f"s{at}", random.Random(f"{seed} {at}"), self.faults)
            for at in range(1, count + 1)
        ]

    async def hold(self) -> None:
        """Holds all conversations at once."""
        plugins: list[BasePlugin] = [Witness("witness"), *self.before, self.recorder, *self.after]
        resumability = ResumabilityConfig(is_resumable=True) if self.is_resumable else None
        app = App(
            name="app", root_agent=self.root, plugins=plugins, resumability_config=resumability
        )
        runner = Runner(app=app, session_service=InMemorySessionService())
        await asyncio.gather(*(self._converse(runner, books) for books in self.books))
        await runner.close()

    async def _converse(self, runner: Runner, books: Books) -> None:
        current.set(books)
        place: dict[str, Any] = {"user_id": "u", "session_id": books.session}
        await runner.session_service.create_session(app_name="app", **place)
        mode = StreamingMode.SSE if self.streams else StreamingMode.NONE
        config = RunConfig(streaming_mode=mode, max_llm_calls=self.limit)
        clock = asyncio.get_running_loop()
        for number in range(1, self.turns + 1):
            turn = Turn(_message(books, number))
            books.turns.append(turn)
            books.decisions_left, began = 6, clock.time()
            said = {"new_message": turn.message, "run_config": config}
            try:
                async for event in runner.run_async(**place, **said):
                    turn.events.append(event)
            except Exception as error:
                turn.error = f"{type(error).__name__}: {error}"
            turn.seconds = clock.time() - began


def _meddler(name: str, dice: random.Random, model: Dice) -> Meddler:
    hooks = set(dice.sample(HOOKS, dice.randint(1, len(HOOKS))))
    return Meddler(name, hooks, raises=dice.random() < 0.3, asks=model)


def open_calls(turns: list[Turn]) -> dict[str | None, Any]:
    """Finds the events and calls that wait for the user, by call id."""
    waiting: dict[str | None, Any] = {}
    for turn in turns:
        for part in turn.message.parts or ():
            if part.function_response:
                waiting.pop(part.function_response.id, None)
        for event in turn.events:
            ids = event.long_running_tool_ids or ()
            waiting |= {c.id: (event, c) for c in event.get_function_calls() if c.id in ids}
            for answer in event.get_function_responses():
                waiting.pop(answer.id, None)
    return waiting


def _message(books: Books, number: int) -> types.Content:
    """Words, or the answer to what the last turn waits for."""
    waiting = open_calls(books.turns[-1:])
    if not waiting or books.chance(0.3):
        return types.UserContent(f"Question {number}?")
    _, call = books.dice.choice(list(waiting.values()))
    response: dict[str, Any] = {"result": "Yes."}
    if call.name == "adk_request_confirmation":
        response = {"confirmed": books.chance(0.7)}
    answer = types.FunctionResponse(id=call.id, name=call.name, response=response)
    return types.Content(role="user", parts=[types.Part(function_response=answer)])
