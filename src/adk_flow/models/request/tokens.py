"""Counts the tokens of what a model was sent and of what it said, alike on every machine."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from google.adk.models.llm_request import LlmRequest
from google.genai import types

from adk_flow.models.request.functions import declarations
from adk_flow.models.request.situation import text_of

_PIECE = re.compile(r"[^\W\d_]{1,5}|\d|_+|[^\w\s]")
"""An estimate of a token; over this project's texts it is within 2% of Llama's tokenizer."""


def usage(request: LlmRequest, said: types.Content) -> types.GenerateContentResponseUsageMetadata:
    """Counts a request and the answer to it."""
    sent = sum(map(tokens_in, _sent(request)))
    answered = sum(map(tokens_in, _texts(said)))
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent,
        candidates_token_count=answered,
        total_token_count=sent + answered,
    )


@lru_cache(maxsize=512)
def tokens_in(text: str) -> int:
    """Estimates a text's tokens."""
    return len(_PIECE.findall(text))


def _sent(request: LlmRequest) -> Iterable[str]:
    """Returns all text of a request: instruction, declarations, schema and contents."""
    config = request.config
    yield text_of(config.system_instruction)
    for declaration in declarations(config):
        yield f"{declaration.name} {declaration.description or ''}"
        yield _written(declaration.parameters_json_schema or declaration.parameters)
    yield _written(config.response_json_schema or config.response_schema)
    for content in request.contents:
        yield from _texts(content)


def _texts(content: types.Content) -> Iterable[str]:
    for part in content.parts or []:
        yield part.text or ""
        if call := part.function_call:
            yield f"{call.name} {_json(call.args)}"
        if response := part.function_response:
            yield f"{response.name} {_json(response.response)}"


def _written(schema: Any) -> str:
    """Writes out a schema as it would be sent."""
    if isinstance(schema, types.Schema):
        return schema.model_dump_json(exclude_none=True)
    if isinstance(schema, type) and hasattr(schema, "model_json_schema"):
        return json.dumps(schema.model_json_schema())
    return _json(schema) if isinstance(schema, dict) else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
