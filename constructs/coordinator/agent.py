"""The desk as a graph: questions are shared out, answered side by side and summed up.

                   ┌──► Mortgage_Agent ───┐
user ── Root_Agent ┼──► Investment_Agent ─┼──► Root_Agent ── user
                   └──► Pension_Agent ────┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("coordinator")
root_agent = app.root_agent
