"""A log as OpenTelemetry spans: a trace a turn, moves as events, transfers as links."""

from __future__ import annotations

from importlib.metadata import version
from itertools import count

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from adk_flow._data import digest_of, group_by
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.errors import AdkFlowError
from adk_flow.export.attributes import (
    Attributes,
    fitting,
    name_of,
    of_link,
    of_move,
    of_span,
    words_wanted,
)
from adk_flow.export.spans import NONE, FlowSpan, spans_of
from adk_flow.log.reader import Log
from adk_flow.log.schema import Header

_LATEST = (2**63 - 1) // 1000
"""The last microsecond that the protocol's nanoseconds reach."""


def as_traces(log: Log) -> list[ReadableSpan]:
    """Makes the spans of a log, the same ones each time.

    Raises:
      AdkFlowError: the environment's settings of OpenTelemetry do not let it.
    """
    flow_spans = spans_of(trace_log(log))
    kept = InMemorySpanExporter()
    tracer = _tracer(log.header, SimpleSpanProcessor(kept))
    moves = group_by(flow_spans.moves, lambda pair: pair[1])
    words = words_wanted()
    made: dict[int, Span] = {}
    for index, span in enumerate(flow_spans.spans):
        if span.kind == "replaced":  # no model was called, and ADK makes no span of it either
            continue
        made[index] = _started(tracer, span, log.header, made, flow_spans.spans)
        for move, _ in moves.get(index, ()):
            name = f"adk_flow.{move.kind}"
            made[index].add_event(name, of_move(move, words), timestamp=_nanoseconds(move.time))
    for index, span in made.items():
        source = flow_spans.spans[index]
        if source.error:
            span.set_status(Status(StatusCode.ERROR, source.error))
        span.end(_nanoseconds(source.ended))
    return list(kept.get_finished_spans())


def _started(
    tracer: Tracer, span: FlowSpan, header: Header, made: dict[int, Span], spans: list[FlowSpan]
) -> Span:
    parent, source, links = made.get(span.parent), made.get(span.source), []
    if source is not None:
        attributes = of_link(spans[span.source].agent, span.agent)
        links.append(Link(source.get_span_context(), fitting(attributes)))
    started = tracer.start_span(
        name_of(span),
        context=set_span_in_context(parent) if parent is not None else None,
        kind=SpanKind.CLIENT if span.kind == "model" else SpanKind.INTERNAL,
        attributes=of_span(span, header) | fitting(_of_node(span, spans)),
        links=links,
        start_time=_nanoseconds(span.began),
    )
    if not isinstance(started, Span):
        raise AdkFlowError("OTEL_SDK_DISABLED is set, so that OpenTelemetry makes no spans")
    return started


def _of_node(span: FlowSpan, spans: list[FlowSpan]) -> Attributes:
    """Says which agent called an agent or handed over to it, as OpenInference draws graphs."""
    if span.kind != "agent":
        return {}
    around = spans[span.parent if span.source == NONE else span.source]
    while around.kind != "agent" and around.parent != NONE:
        around = spans[around.parent]
    parent = {"graph.node.parent_id": around.agent} if around.agent else {}
    return {"graph.node.id": span.agent, **parent}


def _tracer(header: Header, kept: SpanProcessor) -> Tracer:
    # What the environment says of the service comes first, as OpenTelemetry has it.
    resource = Resource({SERVICE_NAME: header.app or "adk_flow"})
    try:
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=resource.merge(OTELResourceDetector().detect()),
            id_generator=_Numbered(f"{header.app}\0{header.session}\0{header.time}"),
            span_limits=SpanLimits(max_events=SpanLimits.UNSET),
            shutdown_on_exit=False,
        )
    except ValueError as error:  # a limit in the environment that is no number
        raise AdkFlowError(str(error)) from error
    provider.add_span_processor(kept)
    return provider.get_tracer("adk_flow", version("adk-flow"))


def _nanoseconds(microseconds: int) -> int:
    return max(0, min(_LATEST, microseconds)) * 1000


class _Numbered(IdGenerator):
    """Ids that are the same each time, so that a log that is sent again is not there twice."""

    def __init__(self, seed: str) -> None:
        self._texts = (f"{seed}\0{number}" for number in count(1))

    def generate_span_id(self) -> int:
        return self._next(8)

    def generate_trace_id(self) -> int:
        return self._next(16)

    def _next(self, size: int) -> int:
        return int(digest_of(next(self._texts), size), 16) or 1
