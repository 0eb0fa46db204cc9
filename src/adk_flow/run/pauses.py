"""What a session waits for, and the message that answers it, as `adk run` would give it."""

from typing import Any, NamedTuple

from google.adk.events.event import Event
from google.genai import types

from adk_flow._data import as_words, object_in
from adk_flow.models.request.functions import CONFIRM
from adk_flow.scenario.conversation import AskedTurn

_CREDENTIAL = "adk_request_credential"
_YES = ("y", "yes", "true", "confirm")
"""What `adk run` takes for a confirmation (2.13, cli/cli.py)."""


class Pause(NamedTuple):
    """A call that waits for the user."""

    agent: str
    """Who made it; a graph where one of its functions did."""
    call: types.FunctionCall
    invocation: str


class Pauses:
    """The calls of a session that wait."""

    def __init__(self) -> None:
        self._open: list[list[Pause]] = []
        """By event, in order."""

    def read(self, event: Event) -> None:
        """Notes what an event waits for."""
        waiting = event.long_running_tool_ids or ()
        calls = [call for call in event.get_function_calls() if call.id in waiting]
        if calls and not event.partial:
            self._open.append([Pause(event.author, call, event.invocation_id) for call in calls])

    @property
    def latest(self) -> Pause | None:
        """What the next words answer: the first call of the last event that waits."""
        return self._open[-1][0] if self._open else None

    def answer(self, pause: Pause) -> None:
        """Notes that a call waits no longer."""
        self._open = [[p for p in event if p is not pause] for event in self._open]
        self._open = [event for event in self._open if event]


def message_of(turn: AskedTurn, pause: Pause | None) -> types.Content:
    """Writes what the user sends: the answer to what waits, else words."""
    if pause is None:
        return types.UserContent(turn.say or as_words(turn.answer))
    call, response = pause.call, _response(turn, pause.call)
    answered = types.FunctionResponse(id=call.id, name=call.name, response=response)
    return types.Content(role="user", parts=[types.Part(function_response=answered)])


def _response(turn: AskedTurn, call: types.FunctionCall) -> dict[str, Any]:
    value = turn.answer if turn.is_answer else turn.say
    if call.name == _CREDENTIAL and isinstance(value, dict):
        return {**(call.args or {}).get("authConfig", {}), "exchangedAuthCredential": value}
    if call.name == CONFIRM and not isinstance(value, dict):
        stated = object_in(value.strip()) if isinstance(value, str) else {}
        return stated or {"confirmed": value is True or str(value).strip().lower() in _YES}
    return value if isinstance(value, dict) else {"result": value}
