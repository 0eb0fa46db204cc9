"""Flow logs as tables and OpenTelemetry spans."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adk_flow.export.live import SpanPlugin as SpanPlugin

EXPORT_SCHEMA = 1
"""Which tables and trace events have; it grows when a field is renamed, removed or means else."""


def __getattr__(name: str) -> Any:
    if name != "SpanPlugin":  # `adk_flow.export.SpanPlugin`, as `adk web --extra_plugins` names it
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adk_flow.export.live import SpanPlugin as plugin

    return plugin
