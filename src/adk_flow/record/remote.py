"""What events tell of A2A servers: what they were sent, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.genai import types
from msgspec.structs import astuple
from pydantic import ValidationError

from adk_flow.log.schema import Part, Request, Usage
from adk_flow.record.extract import of_usage, responses_of, words_of
from adk_flow.record.redact import as_json

_FAILED = ("FAILED", "REJECTED", "CANCELED")
"""States of a remote task that came to nothing."""
_MOST = 1 << 40
"""Tokens that a peer may report of one event."""
_LONGEST = 64
"""Characters of an id that are kept."""


def of_remote(
    event: Any, keep: Callable[[str], str], name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Reads what an event tells of the A2A server that it came from."""
    custom = event.custom_metadata or {}
    context, response = custom.get("a2a:context_id"), custom.get("a2a:response")
    if not isinstance(context, str):
        return {}
    response = response if isinstance(response, dict) else {}
    usage, source = _usage_in(response, event)
    event_id = name_of(source[:_LONGEST])
    fields: dict[str, Any] = {"remote": name_of(context), "remote_event": event_id, "usage": usage}
    if (state := _state_of(response)) in _FAILED:
        words = words_of(event.content) or _words_in(response)
        fields["error"] = f"{state}: {keep(words)}".removesuffix(": ")
    return fields


def _usage_in(response: dict[str, Any], event: Any) -> tuple[Usage | None, str]:
    """Reads what a peer that is ADK reports of tokens, and by which of its events or tasks.

    By its new integration each event's stand with its artifact or message. Else they stand in the
    task's metadata, until the next are reported: what a function gave carries those of the model
    call before, and a task that is told as a whole has the last (2.13, a2a/converters).
    """
    metadata, messages = _metadata_of(response), _dicts_in(response.get("history"))
    of_event = {
        str(data["adk_event_id"]): usage
        for data in map(_metadata_of, [*_dicts_in(response.get("artifacts")), *messages])
        if (usage := _usage_of(data)) and "adk_event_id" in data
    }
    if of_event:
        usage, source = sum(of_event.values(), Usage()), str(response.get("id", ""))
    else:
        usage, source = _usage_of(metadata), str(metadata.get("adk_event_id", ""))
        usage = None if responses_of(event.content) else usage
    roles = [_named(message.get("role")) for message in messages]
    is_whole = _state_of(response) not in ("SUBMITTED", "WORKING")
    if is_whole and roles.count("USER" if of_event else "AGENT") > 1:
        usage = None  # some are of what was told before, or are not told
    return usage, source


def _dicts_in(values: Any) -> list[dict[str, Any]]:
    return [value for value in values or () if isinstance(value, dict)]


def _metadata_of(data: dict[str, Any]) -> dict[str, Any]:
    metadata = data.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _usage_of(metadata: dict[str, Any]) -> Usage | None:
    usage = metadata.get("adk_usage_metadata")
    if not isinstance(usage, dict):
        return None
    try:
        read = of_usage(types.GenerateContentResponseUsageMetadata.model_validate(usage))
    except ValidationError:  # a peer may tell anything
        return None
    return read if read and all(0 <= count <= _MOST for count in astuple(read)) else None


def _state_of(response: dict[str, Any]) -> str:
    status = response.get("status")
    return _named(status.get("state")) if isinstance(status, dict) else ""


def _named(value: Any) -> str:
    """Names a role or state as A2A 1.x does; those of 0.3 are enums of bare names in lower case."""
    name = str(getattr(value, "value", value)).upper()
    return name.removeprefix("TASK_STATE_").removeprefix("ROLE_")


def _words_in(response: dict[str, Any]) -> str:
    """Joins the words that a task's state came with."""
    message = response["status"].get("message")
    parts = _dicts_in(message.get("parts")) if isinstance(message, dict) else ()
    return "".join(str(part.get("text") or "") for part in parts)


def remote_request_of(event: Any) -> dict[str, Any]:
    """Gives the message that an A2A server was sent, on the events of its answer."""
    message = (event.custom_metadata or {}).get("a2a:request")
    return message if isinstance(message, dict) else {}


def of_remote_request(message: Mapping[str, Any], number: Callable[[str], int]) -> Request:
    """Reads what an A2A server is sent, like what a model is; see `of_request`."""
    parts = (part for part in message.get("parts") or () if isinstance(part, dict))
    return Request(parts=tuple([_sent_part(part, number) for part in parts]))


def _sent_part(part: Mapping[str, Any], number: Callable[[str], int]) -> Part:
    if text := part.get("text"):
        return Part("user", "text", number(str(text)))
    data, metadata = part.get("data"), part.get("metadata")
    kind = metadata.get("adk_type") if isinstance(metadata, dict) else ""
    if isinstance(data, dict) and kind == "function_response":
        return Part(
            "user", "response", number(f"{data.get('name')} {as_json(data.get('response'))}")
        )
    return Part("user", "data", number(as_json(data) if data else "data"))
