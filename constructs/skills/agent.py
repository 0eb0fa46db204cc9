"""The desk as one agent that loads a specialist's instruction and tools as it needs them.

user ── Root_Agent ──load_skill──► mortgage-agent | investment-agent | pension-agent
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("skills")
root_agent = app.root_agent
