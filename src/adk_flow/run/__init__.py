"""Loads an app and runs one conversation with it."""

from typing import TYPE_CHECKING, Any

from adk_flow._adk import keep_what_is_loaded as keep_what_is_loaded
from adk_flow._adk import spare_failing_import as spare_failing_import

if TYPE_CHECKING:
    from adk_flow.run.app import load_app as load_app


def __getattr__(name: str) -> Any:
    if name != "load_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adk_flow.run.app import load_app as function

    return function
