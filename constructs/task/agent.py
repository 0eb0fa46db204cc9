"""The desk whose lead sets specialists tasks, in which they may talk with the user.

user ── Root_Agent ──task, finish_task──► Mortgage_Agent | Investment_Agent | Pension_Agent ── user
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("task")
root_agent = app.root_agent
