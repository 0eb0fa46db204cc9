"""The desk as a graph: one model call names who is needed, they answer at once, the lead merges.

                   ┌──► Mortgage_Agent ───┐
user ── Root_Agent ┼──► Investment_Agent ─┼──► Root_Agent ── user
                   └──► Pension_Agent ────┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("router_many")
root_agent = app.root_agent
