"""Where the desk's flow log goes, and the live telling of it."""

import os
import sys
from pathlib import Path

from adk_flow import FlowPlugin
from adk_flow.render.narration import Narrator

FLOW_LOGS = Path(__file__).resolve().parents[1] / "flow_logs"


def flow_log(construct: str = "mixed") -> FlowPlugin:
    """Makes the desk's recorder: logs to `ADK_FLOW_DIR` or `flow_logs`, tells on stderr.

    It tells each move as it happens if stderr is a terminal; `ADK_FLOW_NARRATE=1` or `=0` decides
    otherwise.
    """
    wanted = os.environ.get("ADK_FLOW_NARRATE", "")
    tell = wanted == "1" or (wanted != "0" and sys.stderr.isatty())
    return FlowPlugin(
        directory=os.environ.get("ADK_FLOW_DIR") or FLOW_LOGS,
        construct=construct,
        listener=Narrator(sys.stderr) if tell else None,
    )
