"""What a span and a move are called in OpenTelemetry, by its conventions for generative AI."""

from __future__ import annotations

import os

from adk_flow.analysis.moves import Move
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
    told = os.environ.get(CAPTURE, "").strip().lower()
    return told in ("1", "true", "span_only", "span_and_event")


def name_of(span: FlowSpan) -> str:
    """Names a span."""
    return f"{OPERATIONS[span.kind]} {span.name}".strip()


def of_span(span: FlowSpan, header: Header) -> Attributes:
    """Describes a span."""
    told: Attributes = {
        "gen_ai.operation.name": OPERATIONS[span.kind],
        "gen_ai.conversation.id": header.session,
        "adk_flow.turn": span.turn,
        "adk_flow.record": span.record,
    }
    if span.activation:
        told["adk_flow.frame"] = span.activation
    if span.kind != "turn":
        told["gen_ai.agent.name"] = span.agent
    told |= _of_kind(span, header)
    if not span.complete:
        told["adk_flow.complete"] = False
    if span.error:
        told["error.type"] = span.error.partition(":")[0]
    return fitting(told)


def _of_kind(span: FlowSpan, header: Header) -> Attributes:
    match span.kind:
        case "turn":
            told: Attributes = {"gen_ai.workflow.name": span.name}
            return told | ({"adk_flow.construct": header.construct} if header.construct else {})
        case "agent":
            return {"adk_flow.why": span.cause}
        case "tool":
            return {
                "gen_ai.tool.name": span.name,
                "gen_ai.tool.call.id": span.call,
                "adk_flow.tool.kind": span.tool_kind,
            }
        case _:
            return _of_model(span)


def _of_model(span: FlowSpan) -> Attributes:
    usage = span.usage or Usage()
    told: Attributes = {"gen_ai.request.model": span.name}
    if span.version:
        told["gen_ai.response.model"] = span.version
    if provider := provider_of(span.name):
        told["gen_ai.provider.name"] = provider
    tokens = {
        "input_tokens": usage.input,
        "output_tokens": usage.generated,
        "cache_read.input_tokens": usage.cached,
        "reasoning.output_tokens": usage.thoughts,
    }
    return told | {f"gen_ai.usage.{name}": count for name, count in tokens.items() if count}


def provider_of(model: str) -> str:
    """Reads off a model's name who serves it; empty where the name does not tell."""
    if model.startswith(("gemini", "models/gemini")):
        return "gcp.gemini"
    provider, slash, _ = model.partition("/")
    return provider if slash and provider != "projects" else ""


def of_move(move: Move, words: bool) -> Attributes:
    """Describes a move; its event is `adk_flow.<kind>`."""
    told: Attributes = {
        "adk_flow.turn": move.turn,
        "adk_flow.source": move.source,
        "adk_flow.target": move.target,
    }
    if move.cause:
        told["adk_flow.via"] = move.cause
    if move.call:
        told["gen_ai.tool.call.id"] = move.call
    if move.failed:
        told["adk_flow.failed"] = True
    if words and move.text:
        told["adk_flow.text"] = move.text
    return fitting(told)


def of_link(source: str, target: str) -> Attributes:
    """Describes the link from a transfer's target to its source."""
    return {"adk_flow.link": "transfer", "adk_flow.source": source, "adk_flow.target": target}


def fitting(told: Attributes) -> Attributes:
    """Keeps whole numbers to the 64 bits that the protocol has, whatever a damaged log says."""
    return {
        name: max(-_LARGEST, min(_LARGEST, value)) if type(value) is int else value
        for name, value in told.items()
    }
