"""The desk as one agent whose model may ask a stronger one (ADVISOR_MODEL) what to do.

user ── Root_Agent ──model_consult──► the stronger model
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("advisor")
root_agent = app.root_agent
