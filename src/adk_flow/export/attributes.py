"""What a span and a move are called in OpenTelemetry, by its conventions for generative AI."""

from __future__ import annotations

import os
from typing import Any

from adk_flow._text import encodable
from adk_flow.analysis.move import Move
from adk_flow.export.spans import FlowSpan
from adk_flow.log.schema import Header, Usage

Attributes = dict[str, str | int | bool]

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""OpenTelemetry's switch, which ADK heeds too: whether spans carry what was said."""

OPERATIONS = {
    "turn": "invoke_workflow",
    "agent": "invoke_agent",
    "model": "generate_content",
    "tool": "execute_tool",
}
"""`gen_ai.operation.name` of each kind of span, as ADK's own spans have it."""

_LARGEST = 2**63 - 1


def words_wanted() -> bool:
    """Whether what was said may leave for a tracing backend; it may not unless it is said so."""
    setting = os.environ.get(CAPTURE, "").strip().lower()
    return setting in ("1", "true", "span_only", "span_and_event")


def name_of(span: FlowSpan) -> str:
    """Names a span."""
    return f"{OPERATIONS[span.kind]} {span.name}".strip()


def of_span(span: FlowSpan, header: Header) -> Attributes:
    """Describes a span."""
    usage = span.usage or Usage()
    answer: Attributes = {
        "gen_ai.response.model": span.version,
        "gen_ai.provider.name": provider_of(span.name),
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.generated,
        "gen_ai.usage.cache_read.input_tokens": usage.cached,
        "gen_ai.usage.reasoning.output_tokens": usage.thoughts,
    }
    tool = {"gen_ai.tool.name": span.name, "gen_ai.tool.call.id": span.call}
    construct = _filled({"adk_flow.construct": header.construct})
    own: dict[str, Attributes] = {
        "turn": {"gen_ai.workflow.name": span.name, **construct},
        "agent": {"adk_flow.why": span.cause},
        "tool": {**tool, "adk_flow.tool.kind": span.tool_kind},
        "model": {"gen_ai.request.model": span.name, **_filled(answer)},
    }
    return fitting(
        {
            "gen_ai.operation.name": OPERATIONS[span.kind],
            "gen_ai.conversation.id": header.session,
            "adk_flow.turn": span.turn,
            "adk_flow.record": span.record,
            **_filled({"adk_flow.frame": span.activation}),
            **({} if span.kind == "turn" else {"gen_ai.agent.name": span.agent}),
            **own[span.kind],
            **({} if span.complete else {"adk_flow.complete": False}),
            **_filled({"error.type": span.error.partition(":")[0]}),
        }
    )


def provider_of(model: str) -> str:
    """Reads off a model's name who serves it; empty where the name does not tell."""
    if model.startswith(("gemini", "models/gemini")):
        return "gcp.gemini"
    provider, slash, _ = model.partition("/")
    return provider if slash and provider != "projects" else ""


def of_move(move: Move, words: bool) -> Attributes:
    """Describes a move; its event is `adk_flow.<kind>`."""
    known: Attributes = {
        "adk_flow.via": move.cause,
        "gen_ai.tool.call.id": move.call,
        "adk_flow.failed": move.failed,
        "adk_flow.text": move.text if words else "",
    }
    ends = {"adk_flow.source": move.source, "adk_flow.target": move.target}
    return fitting({"adk_flow.turn": move.turn, **ends, **_filled(known)})


def of_link(source: str, target: str) -> Attributes:
    """Describes the link from a transfer's target to its source."""
    return {"adk_flow.link": "transfer", "adk_flow.source": source, "adk_flow.target": target}


def _filled(attributes: Attributes) -> Attributes:
    """Leaves out what is not known, or nothing."""
    return {name: value for name, value in attributes.items() if value}


def fitting(attributes: Attributes) -> Attributes:
    """Keeps to the 64 bits and the UTF-8 that the protocol has, whatever an app or a log says."""
    return {name: _fit(value) for name, value in attributes.items()}


def _fit(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    return max(-_LARGEST, min(_LARGEST, value)) if type(value) is int else value
