"""The desk whose lead calls every specialist in another process, over A2A (needs a2a-sdk).

user ── Root_Agent ──call, answer──► RemoteA2aAgent ──HTTP──► Mortgage_Agent | … (AgentTool, to_a2a)
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from adk_flow.wiring import Peers
from constructs.desk import desk

app = desk("remote", Peers(Path(__file__).resolve().parents[2] / "root_agent"))
root_agent = app.root_agent
