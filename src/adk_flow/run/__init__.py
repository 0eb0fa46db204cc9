"""Loads an app and runs one conversation with it."""

from typing import TYPE_CHECKING

from adk_flow._adk import keep_what_is_loaded as keep_what_is_loaded
from adk_flow._data import load_lazily

if TYPE_CHECKING:
    from adk_flow.run.app import load_app as load_app

__getattr__ = load_lazily(__name__, {"load_app": "app"})
