"""OpenTelemetry's trace of what runs here."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import (
    NonRecordingSpan,
    ProxyTracerProvider,
    SpanContext,
    get_current_span,
    get_tracer_provider,
    use_span,
)


@contextmanager
def in_trace() -> Iterator[None]:
    """Gives what runs here a trace, where nothing traces it, so that its other sides can name it.

    Without a provider ADK's spans have no ids, and none is sent with a request.
    """
    is_traced = get_current_span().get_span_context().is_valid
    if is_traced or not isinstance(get_tracer_provider(), ProxyTracerProvider):
        yield
        return
    span = SpanContext(secrets.randbits(128) | 1, secrets.randbits(64) | 1, is_remote=False)
    with use_span(NonRecordingSpan(span)):
        yield
