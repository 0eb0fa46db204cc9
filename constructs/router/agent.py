"""The desk as a graph: one model call classifies, the specialist answers the user.

user ── Root_Agent ──► Mortgage_Agent | Investment_Agent | Pension_Agent ── user
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("router")
root_agent = app.root_agent
