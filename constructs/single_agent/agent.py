"""The desk as one agent that has all the tools and instructions.

user ── Root_Agent
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("single_agent")
root_agent = app.root_agent
