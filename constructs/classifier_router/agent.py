"""The desk as a graph: word embeddings classify, without a model call, a specialist answers.

user ── ClassifierNode ──► Mortgage_Agent | Investment_Agent | Pension_Agent ── user
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the desk's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from constructs.desk import desk

app = desk("classifier_router")
root_agent = app.root_agent
