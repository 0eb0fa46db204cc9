"""The desk as `root_agent` has it: two specialists handed over to, one called.

user ── Root_Agent ──transfer──► Investment_Agent ◄──transfer──► Pension_Agent
            │
            └──── call, answer ──► Mortgage_Agent (AgentTool)
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("mixed")
root_agent = app.root_agent
