"""What events tell of A2A servers: what they were sent, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.genai import types

from adk_flow.log.schema import Part, Request
from adk_flow.record.extract import of_usage, responses_of, words_of
from adk_flow.record.redact import as_json


def of_remote(
    event: Any, keep: Callable[[str], str], name_of: Callable[[str], str]
) -> dict[str, Any]:
    """Reads what an event tells of the A2A server that it came from.

    A peer that is ADK reports its usage in the task's metadata, where it stays until the next is
    reported: what a function gave carries that of the model call before (2.13, a2a/converters).
    """
    metadata = event.custom_metadata or {}
    context = metadata.get("a2a:context_id")
    if not isinstance(context, str):
        return {}
    response = metadata.get("a2a:response")
    metadata = response.get("metadata") if isinstance(response, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    fields: dict[str, Any] = {
        "remote": name_of(context),
        "remote_event": str(metadata.get("adk_event_id", "")),
    }
    if failure := _failure_in(response):
        fields["error"] = f"{failure}: {keep(words_of(event.content))}".removesuffix(": ")
    usage = metadata.get("adk_usage_metadata")
    if isinstance(usage, dict) and not responses_of(event.content):
        fields["usage"] = of_usage(types.GenerateContentResponseUsageMetadata.model_validate(usage))
    return fields


def _failure_in(response: Any) -> str:
    """Names the state of a remote task that came to nothing."""
    status = response.get("status") if isinstance(response, dict) else None
    state = str(status.get("state", "")) if isinstance(status, dict) else ""
    name = state.upper().removeprefix("TASK_STATE_")  # 1.x; lower case and bare in 0.3
    return name if name in ("FAILED", "REJECTED", "CANCELED") else ""


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
