"""Decisions that ADK's own recordings hold: of `adk test`, and of `adk conformance record`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from google.genai import types
from pydantic import ValidationError

from adk_flow.errors import AdkFlowError
from adk_flow.models.scripted import call
from adk_flow.scenario.yaml_file import Document

_SET_RESPONSE = "set_model_response"
_ASKS_USER = {"adk_request_confirmation", "adk_request_credential", "adk_request_input"}
"""Calls that ADK makes of itself; no model asked for them."""


class RecordedStep(NamedTuple):
    """What an agent's model did in one call."""

    agent: str
    line: int
    text: str
    calls: list[types.FunctionCall]


def read_recording(document: Document) -> list[RecordedStep] | None:
    """Reads the steps of a recording in their order; None if the file is none.

    Raises:
      AdkFlowError: a part of it is no content of ADK's.
    """
    if not isinstance(document.data, dict):
        return None
    if isinstance(events := document.data.get("events"), list):
        return list(_steps(document, "events", _of_events(events)))
    if isinstance(recordings := document.data.get("recordings"), list):
        return list(_steps(document, "recordings", _of_recordings(recordings)))
    return None


_Contents = Iterable[tuple[int, str, Any]]
"""Place in the file, agent and content of each answer."""


def _of_events(events: list[Mapping[str, Any]]) -> _Contents:
    """Gives what models said, as ADK's test runner finds it (2.13, cli/agent_test_runner.py)."""
    is_repeated = False
    for place, event in enumerate(events):
        content = event.get("content") or {}
        if event.get("author") == "user" or event.get("partial"):
            continue
        if content.get("role") == "user":
            names = [part.get("functionResponse", {}) for part in content.get("parts", ())]
            is_repeated = any(response.get("name") == _SET_RESPONSE for response in names)
        elif content.get("role") == "model":
            if not is_repeated:  # ADK says once more what was given to `set_model_response`
                yield place, event.get("author", ""), content
            is_repeated = False


def _of_recordings(recordings: list[Mapping[str, Any]]) -> _Contents:
    for place, recording in enumerate(recordings):
        for response in (recording.get("llm_recording") or {}).get("llm_responses") or ():
            if not response.get("partial"):
                yield place, recording.get("agent_name", ""), response.get("content") or {}


def _steps(document: Document, key: str, contents: _Contents) -> Iterator[RecordedStep]:
    for place, agent, content in contents:
        line = document.line(key, place)
        try:
            parts = types.Content.model_validate(content).parts or []
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise AdkFlowError(f"{document.path}: line {line}: {key}[{place}]: {reason}") from error
        text = "".join(part.text for part in parts if part.text and not part.thought)
        functions = [part.function_call for part in parts if part.function_call]
        calls = [call(function.name or "", **(function.args or {})) for function in functions]
        if (text or calls) and not _ASKS_USER & {function.name for function in functions}:
            yield RecordedStep(agent, line, text, calls)
