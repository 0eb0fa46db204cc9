"""Writes what `README.md` shows of a real run between its markers; `--check` only compares.

python docs/readme.py [--check]
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ["MODEL_NAME"] = "offline"  # before the desk is loaded, and whatever .env says

from adk_flow.application import load_application
from adk_flow.conversation import read_conversation
from adk_flow.experiment import hold
from adk_flow.views.mermaid import sequence_diagram

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- three topics -->\n```mermaid\n).*?(```\n<!-- end -->)", re.DOTALL)


def drawn() -> str:
    """Holds the three-topics conversation offline and draws it."""
    app = load_application(ROOT / "root_agent")
    conversation = read_conversation(ROOT / "conversations" / "three_topics.yaml")
    with tempfile.TemporaryDirectory() as folder:
        held = asyncio.run(hold(app, conversation, file=Path(folder) / "log.jsonl"))
    return sequence_diagram(held.moves)


def main() -> None:
    """Writes the README, or exits with 1 if it shows something else than the run."""
    text = README.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        sys.exit("README.md: lacks the markers <!-- three topics --> and <!-- end -->")
    diagram = drawn()
    fresh = BLOCK.sub(lambda match: match[1] + diagram + match[2], text)
    if "--check" not in sys.argv:
        README.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.exit("README.md: shows another flow than the run gives; write it with: make readme")


if __name__ == "__main__":
    main()
