"""The desk as a graph of specialists who all answer at once.

      ┌──► Mortgage_Agent ───┐
user ─┼──► Investment_Agent ─┼── user
      └──► Pension_Agent ────┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("parallel")
root_agent = app.root_agent
