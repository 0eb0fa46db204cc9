"""Spans sent to a collector over OTLP/HTTP by OpenTelemetry's own exporter."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from adk_flow.errors import AdkFlowError

BATCH = 512
"""Spans in one request, as OpenTelemetry's own processor has it."""


def send(spans: Sequence[ReadableSpan], endpoint: str) -> None:
    """Sends spans to a collector; headers, certificates and timeout are the environment's.

    Raises:
      AdkFlowError: the endpoint is no address, cannot be reached, or did not take all spans.
    """
    # The exporter logs what it then raises nothing of; here it is told in one line.
    logging.getLogger(trace_exporter.__name__).setLevel(logging.CRITICAL)
    session, address = _Session(), address_of(endpoint)
    try:
        exporter = trace_exporter.OTLPSpanExporter(endpoint=address, session=session)
        for start in range(0, len(spans), BATCH):
            result = exporter.export(spans[start : start + BATCH])
            if session.failure or result is not SpanExportResult.SUCCESS:
                raise AdkFlowError(f"{address}: {session.failure or 'did not take the spans'}")
    # A setting of the environment that is none, or that names a certificate that is not there.
    except (ValueError, OSError) as error:
        raise AdkFlowError(f"{address}: {error}") from error
    finally:
        session.close()


def address_of(endpoint: str) -> str:
    """Completes an endpoint that names a host only with the path of the protocol.

    Raises:
      AdkFlowError: it is no http address.
    """
    expected = "is no address; expected one such as http://localhost:4318"
    refused = AdkFlowError(expected, argument="endpoint", value=endpoint or "''")
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError as error:
        raise refused from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refused
    return endpoint if parts.path.strip("/") else parts._replace(path="/v1/traces").geturl()


class _Session(requests.Session):
    """A connection that keeps what went wrong, of which the exporter tells only its logger."""

    failure = ""

    def post(self, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        self.failure = ""
        # A redirected POST becomes a GET without its spans, which many a server answers with 200.
        kwargs["allow_redirects"] = False
        try:
            try:
                response = super().post(url, *args, **kwargs)
            # Once more, where a server has closed the connection since the last batch.
            except requests.exceptions.ConnectionError:
                response = super().post(url, *args, **kwargs)
        except requests.exceptions.ConnectionError as error:
            self.failure = "cannot be reached"
            # The exporter would go on trying; who waits at a terminal mends it sooner.
            raise requests.exceptions.RequestException(str(error)) from error
        except requests.exceptions.RequestException as error:
            self.failure = f"cannot be reached: {type(error).__name__}"
            raise
        self.failure = _refusal(response)
        return response


def _refusal(response: requests.Response) -> str:
    """Says what a collector refused; empty if it took all."""
    if not 200 <= response.status_code < 300:
        to = response.headers.get("Location", "")
        return f"answered {response.status_code} {response.reason}{f', to {to}' if to else ''}"
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        return "answered with a page (text/html); expected a collector"
    try:
        partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    except DecodeError:  # a server that takes spans and answers in words of its own
        return ""
    if not partial.rejected_spans:
        return ""
    return f"refused {partial.rejected_spans} spans: {partial.error_message}"
