"""Flow logs as tables and OpenTelemetry spans."""

from typing import TYPE_CHECKING

from adk_flow._data import load_lazily

if TYPE_CHECKING:
    from adk_flow.export.live import SpanPlugin as SpanPlugin

EXPORT_SCHEMA = 1
"""Which tables and trace events have; it grows when a field is renamed, removed or means else."""

# `adk_flow.export.SpanPlugin`, as `adk web --extra_plugins` names it.
__getattr__ = load_lazily(__name__, {"SpanPlugin": "live"})
