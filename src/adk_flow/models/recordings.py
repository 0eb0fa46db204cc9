"""Decisions that ADK's own recordings hold: of `adk test`, and of `adk conformance record`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from google.genai import types
from pydantic import ValidationError

from adk_flow.models.request.functions import CONFIRM, RESPOND
from adk_flow.models.scripted import call
from adk_flow.scenario.yaml_file import Document

_ASKS_USER = {CONFIRM, "adk_request_credential"}
"""Calls that ADK makes of itself; no model asked for them."""
_ASKS_INPUT = "adk_request_input"
"""Likewise below a graph; elsewhere a model calls it as a tool."""


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
    data = document.data if isinstance(document.data, dict) else {}
    for key, answers in (("events", _of_events), ("recordings", _of_recordings)):
        if isinstance(entries := data.get(key), list):
            return list(_steps(document, key, answers(entries)))
    return None


_Answers = Iterable[tuple[int, str, list[Any]]]
"""Place in the file, agent and contents of each answer."""


def _of_events(events: list[Mapping[str, Any]]) -> _Answers:
    """Gives what models said, as ADK's test runner finds it (2.13, cli/agent_test_runner.py)."""
    is_repeated = False
    for place, event in enumerate(events):
        content = event.get("content") or {}
        if event.get("author") == "user" or event.get("partial"):
            continue
        if content.get("role") == "user":
            names = [part.get("functionResponse", {}) for part in content.get("parts", ())]
            is_repeated = any(response.get("name") == RESPOND for response in names)
        elif content.get("role") == "model":
            # ADK says once more what was given to `set_model_response`.
            if not (is_repeated or _is_adks_own(event)):
                yield place, event.get("author", ""), [content]
            is_repeated = False


def _is_adks_own(event: Mapping[str, Any]) -> bool:
    parts = (event.get("content") or {}).get("parts") or ()
    names = {(part.get("functionCall") or {}).get("name") for part in parts}
    is_node = "/" in (event.get("nodeInfo") or {}).get("path", "")
    return bool(names & _ASKS_USER) or (is_node and _ASKS_INPUT in names)


def _of_recordings(recordings: list[Mapping[str, Any]]) -> _Answers:
    """Gives what models said; a streamed call may have been answered by several whole responses."""
    for place, recording in enumerate(recordings):
        recorded = recording.get("llm_recording")
        if recorded:
            responses = recorded.get("llm_responses") or [recorded.get("llm_response") or {}]
            whole = [one.get("content") or {} for one in responses if not one.get("partial")]
            if whole:
                yield place, recording.get("agent_name", ""), whole


def _steps(document: Document, key: str, answers: _Answers) -> Iterator[RecordedStep]:
    for place, agent, contents in answers:
        line = document.line(key, place)
        try:
            parsed = [types.Content.model_validate(content) for content in contents]
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise document.refused((key, place), reason) from error
        parts = [part for content in parsed for part in content.parts or ()]
        text = "".join(part.text for part in parts if part.text and not part.thought)
        functions = [part.function_call for part in parts if part.function_call]
        calls = [call(function.name or "", **(function.args or {})) for function in functions]
        yield RecordedStep(agent, line, text, calls)
