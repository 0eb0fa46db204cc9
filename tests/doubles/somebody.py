"""Other people's apps (tests/apps): put where ADK loads them from, and talked with."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.run.app import load_app

APPS = Path(__file__).with_name("apps")
NAMES = sorted(one.stem for one in APPS.iterdir() if one.name != "__pycache__")


class Result(NamedTuple):
    """What a user gives a paused run: the result of the latest call of a function."""

    function: str
    value: dict[str, Any]


class Talk(NamedTuple):
    """What a session held after a conversation, ids and times aside."""

    events: list[str]
    state: dict[str, Any]


def place(name: str, folder: Path) -> Path:
    """Copies an app into a folder of its own, under the file names that ADK looks for."""
    there = folder / name
    there.mkdir(parents=True)
    if (APPS / name).is_dir():
        for file in (APPS / name).iterdir():
            shutil.copy(file, there / file.name.replace("root.yaml", "root_agent.yaml"))
    else:
        shutil.copy(APPS / f"{name}.py", there / "agent.py")
    return there


def load(place: Path) -> App:
    """Loads an app whose name may have been loaded from elsewhere before."""
    for module in (place.stem, f"{place.stem}.agent"):
        sys.modules.pop(module, None)
    before = list(sys.path)
    try:
        return load_app(place)
    finally:
        sys.path[:] = before


async def talk(app: App, turns: list[Any], *workers: App, **options: Any) -> Talk:
    """Holds a conversation with an app, or with its workers in turn, in a session of its own."""
    service = InMemorySessionService()
    session = await service.create_session(app_name=app.name, user_id="u")
    runners = [Runner(app=each, session_service=service) for each in (app, *workers)]
    events: list[Event] = []
    for number, turn in enumerate(turns):
        runner = runners[number % len(runners)]
        is_result = isinstance(turn, Result)
        message = _answer(turn, events) if is_result else types.UserContent(turn)
        invocation = events[-1].invocation_id if is_result else None
        async for event in runner.run_async(
            user_id="u",
            session_id=session.id,
            new_message=message,
            invocation_id=invocation,
            **options,
        ):
            events.append(event)
    for runner in runners:
        await runner.close()
    held = await service.get_session(app_name=app.name, user_id="u", session_id=session.id)
    return Talk([_without_ids(event) for event in held.events], dict(held.state))


def _answer(turn: Result, events: list[Event]) -> types.Content:
    calls = [call for event in events for call in event.get_function_calls()]
    called = next(call for call in reversed(calls) if call.name == turn.function)
    response = types.FunctionResponse(id=called.id, name=called.name, response=turn.value)
    return types.Content(role="user", parts=[types.Part(function_response=response)])


def _without_ids(event: Event) -> str:
    told = event.model_dump_json(exclude={"id", "timestamp"})
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", told)
