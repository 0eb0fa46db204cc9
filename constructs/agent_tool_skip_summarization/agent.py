"""The desk whose lead calls specialists, whose answers go to the user unread.

user ── Root_Agent ──call──► Mortgage_Agent | Investment_Agent | Pension_Agent ──answer──► user
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("agent_tool_skip_summarization")
root_agent = app.root_agent
