"""Records, draws and compares how control and conversation move between ADK agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adk_flow._data import load_lazily

if TYPE_CHECKING:
    from adk_flow.analysis.findings.finding import Finding as Finding
    from adk_flow.analysis.move import Move as Move
    from adk_flow.analysis.trace import Trace as Trace
    from adk_flow.analysis.trace_reader import read_trace as read_trace
    from adk_flow.comparison.aggregate import Comparison as Comparison
    from adk_flow.comparison.runner import compare as compare
    from adk_flow.errors import AdkFlowError as AdkFlowError
    from adk_flow.log.reader import Log as Log
    from adk_flow.log.reader import read_log as read_log
    from adk_flow.models.scripted import Scripted as Scripted
    from adk_flow.record.plugin import FlowPlugin as FlowPlugin
    from adk_flow.run.conversation_run import ConversationRun as ConversationRun
    from adk_flow.run.conversation_run import run_conversation as run_conversation
    from adk_flow.scenario.conversation import Conversation as Conversation
    from adk_flow.scenario.conversation import read_conversation as read_conversation
    from adk_flow.wiring import CONSTRUCTS as CONSTRUCTS
    from adk_flow.wiring import wire as wire

_MODULES = {
    "AdkFlowError": "errors",
    "CONSTRUCTS": "wiring",
    "Comparison": "comparison.aggregate",
    "Conversation": "scenario.conversation",
    "ConversationRun": "run.conversation_run",
    "Finding": "analysis.findings.finding",
    "FlowPlugin": "record.plugin",
    "Log": "log.reader",
    "Move": "analysis.move",
    "Scripted": "models.scripted",
    "Trace": "analysis.trace",
    "compare": "comparison.runner",
    "read_conversation": "scenario.conversation",
    "read_log": "log.reader",
    "read_trace": "analysis.trace_reader",
    "run_conversation": "run.conversation_run",
    "wire": "wiring",
}
"""Where each stands: ADK takes a second to import, and reading a log does not need it."""

_load = load_lazily(__name__, _MODULES)

__all__ = [*_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "FlowPlugin":
        import_module("adk_flow.models")  # makes the model name "offline" known to ADK
    if name in ("Trace", "read_trace"):
        import_module("adk_flow.analysis.trace").Trace._repr_html_ = _draw
    return _load(name)


def _draw(trace: Trace) -> str:
    """Draws a trace in a notebook: its page, in a frame that reaches nothing around it."""
    from html import escape

    page = import_module("adk_flow.render.page").trace_to_html(trace)
    frame = 'sandbox="allow-scripts" width="100%" height="720"'
    return f'<iframe {frame} srcdoc="{escape(page)}"></iframe>'
