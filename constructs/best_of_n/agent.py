"""The desk as one agent that answers three times; the lead chooses an answer.

      ┌──► Root_Agent_1 ─┐
user ─┼──► Root_Agent_2 ─┼──► Root_Agent ── user
      └──► Root_Agent_3 ─┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("best_of_n")
root_agent = app.root_agent
