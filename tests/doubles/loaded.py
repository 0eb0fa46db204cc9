"""What processes of `forked` begin with, loaded in a process without threads."""

import gc
import importlib
import os
from contextlib import suppress

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
for _name in (
    "google.adk.cli.cli_tools_click",
    "google.adk.runners",
    "adk_flow.cli.check",
    "adk_flow.cli.comparison",
    "adk_flow.cli.run",
    "adk_flow.cli.show",
    "adk_flow.cli.watch",
    "adk_flow.comparison.runner",
    "adk_flow.record.plugin",
    "adk_flow.run.conversation_run",
    "adk_flow.watch.server",
    "tests.faults.process",
):
    importlib.import_module(_name)
with suppress(ImportError):  # an extra
    importlib.import_module("adk_flow.wiring.server")
gc.freeze()
