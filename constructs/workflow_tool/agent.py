"""The desk whose lead calls a graph, in which every specialist works on the request in turn.

user ── Root_Agent ──call, answer──► Mortgage_Agent ──► Investment_Agent ──► Pension_Agent
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("workflow_tool")
root_agent = app.root_agent
