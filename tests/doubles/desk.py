"""The advice desk: where it lies, and what tests ask it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSTRUCT_FOLDERS = ROOT / "constructs"
QUESTION = "How much tax relief would I get on £5,000 paid gross into my pension if I earn £60,000?"
ANSWER = "£1,000 of tax relief"
FOLLOW_UP = "And on £8,000 gross?"
