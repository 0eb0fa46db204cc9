"""A digest of what a model is sent, alike whenever the same is sent again."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from google.adk.models.llm_request import LlmRequest

from adk_flow._data import map_texts

_KEPT: Any = {
    **dict.fromkeys(("model", "contents", "previous_interaction_id"), True),
    "config": {"__all__": True},
}
_BOOKKEEPING: Any = {"config": {"labels", "http_options", "cached_content"}}
_ADKS_ID = re.compile(r"\b(?:adk|e)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""Its ids of calls and invocations (2.13, flows/llm_flows/functions.py, runners.py)."""
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")
_NEAR = timedelta(hours=1)


def digest_request(request: LlmRequest, stream: bool, moments: Iterable[datetime]) -> str:
    """Digests a request's model, contents, instruction, tools and settings.

    Left out are ids of function calls and others of ADK's, and in texts the `moments`: their dates,
    and times within an hour, as ISO writes them.
    """
    fields = request.model_dump(include=_KEPT, exclude=_BOOKKEEPING, exclude_none=True)
    for content in fields["contents"]:
        for part in content.get("parts") or ():
            for function in (part.get("function_call"), part.get("function_response")):
                if function:
                    function.pop("id", None)

    def steady(text: str) -> str:
        text = _ADKS_ID.sub("<id>", text)
        return _TIME.sub(lambda time: _unless_near(time[0], moments), text)

    plain = map_texts([fields, stream], steady)
    data = msgspec.json.encode(plain, enc_hook=_described, order="deterministic")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _unless_near(text: str, moments: Iterable[datetime]) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    for moment in moments:
        for now in (moment.astimezone(), moment.astimezone(UTC)):
            if len(text) == len("2026-01-31"):
                is_near = time.date() == now.date()
            else:
                is_near = abs(time.replace(tzinfo=time.tzinfo or now.tzinfo) - now) < _NEAR
            if is_near:
                return "<now>"
    return text


def _described(value: Any) -> Any:
    """Writes what is no plain data: a schema that is a class, a function that is a tool."""
    schema = getattr(value, "model_json_schema", None)
    return schema() if schema else getattr(value, "__qualname__", type(value).__qualname__)
