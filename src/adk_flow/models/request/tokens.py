"""Counts the tokens of what a model was sent and of what it said."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from google.adk.models.llm_request import LlmRequest
from google.genai import types

from adk_flow.models.embedding import token_ids
from adk_flow.models.request.functions import declarations

LONGEST_KEPT = 20_000
"""Characters of a text whose count is remembered, so that long ones do not fill the memory."""


def usage(request: LlmRequest, said: types.Content) -> types.GenerateContentResponseUsageMetadata:
    """Counts a request and the answer to it."""
    sent = sum(_count(text) for text in _sent(request))
    answered = sum(_count(text) for text in _texts(said))
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent,
        candidates_token_count=answered,
        total_token_count=sent + answered,
    )


def _count(text: str) -> int:
    return len(token_ids(text)) if len(text) > LONGEST_KEPT else _kept_count(text)


@lru_cache(maxsize=4096)
def _kept_count(text: str) -> int:
    return len(token_ids(text))


def _sent(request: LlmRequest) -> Iterable[str]:
    """Returns all text of a request: instruction, declarations, schema and contents."""
    config = request.config
    yield from _written(config.system_instruction)
    for declaration in declarations(config):
        yield declaration.name or ""
        yield declaration.description or ""
        yield from _written(declaration.parameters_json_schema or declaration.parameters)
    yield from _written(config.response_json_schema or config.response_schema)
    for content in request.contents:
        yield from _texts(content)


def _texts(content: types.Content) -> Iterable[str]:
    for part in content.parts or []:
        yield part.text or ""
        if call := part.function_call:
            yield call.name or ""
            yield from _written(call.args)
        if response := part.function_response:
            yield response.name or ""
            yield from _written(response.response)


def _written(value: Any) -> Iterable[str]:
    """Writes out a value as it would be sent."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, types.Content):
        yield from _texts(value)
    elif isinstance(value, types.Part):
        yield value.text or ""
    elif isinstance(value, types.Schema):
        yield value.model_dump_json(exclude_none=True)
    elif isinstance(value, dict):
        yield json.dumps(value, ensure_ascii=False, default=str)
    elif isinstance(value, list):
        for one in value:
            yield from _written(one)
    elif isinstance(value, type) and hasattr(value, "model_json_schema"):
        yield json.dumps(value.model_json_schema())
