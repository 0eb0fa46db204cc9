"""OpenTelemetry's trace of what runs here."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from google.adk.agents.run_config import RunConfig
from opentelemetry.trace import (
    NonRecordingSpan,
    ProxyTracerProvider,
    SpanContext,
    get_current_span,
    get_tracer_provider,
    use_span,
)


def quiet_telemetry() -> dict[str, Any]:
    """Gives the options of a run by which ADK spares its words for OpenTelemetry.

    Empty where somebody listens. Else it would write each request anew for nobody, which takes a
    twentieth of a run (2.13, telemetry/_experimental_semconv.py).
    """
    try:
        logs: Any = import_module("opentelemetry._logs._internal")
        if not isinstance(get_tracer_provider(), ProxyTracerProvider):
            return {}
        if not isinstance(logs.get_logger_provider(), logs.ProxyLoggerProvider):
            return {}
        context = import_module("google.adk.telemetry.context")
        telemetry = context.TelemetryConfig(genai_semconv_stability_opt_in="stable")
        return {"run_config": RunConfig(telemetry=telemetry)}
    except (ImportError, AttributeError, ValueError):  # of older releases
        return {}


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
