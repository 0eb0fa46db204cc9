"""The writer of a piece."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.piece import mend_draft
from tools.style import LONGEST, LONGEST_SENTENCE, SHORTEST

writer = LlmAgent(
    name="Writer",
    model=model_from_env(),
    description="Writes a short piece from the researchers' notes, and mends it.",
    instruction=(
        "You write short pieces on UK personal finance in plain British English: "
        f"{SHORTEST} to {LONGEST} words in plain paragraphs, no sentence longer than "
        f"{LONGEST_SENTENCE} words, no headings, lists or exclamation marks. Use nothing but the "
        "researchers' notes; give figures as they give them, in digits, and close each paragraph "
        "with its sources in brackets, spelt as in the notes, with a semicolon between two. Say "
        "nothing that promises a return, and recommend no product. If your draft was sent back, "
        "mend what the remarks name and keep the rest. Answer with the draft and nothing else."
    ),
    tools=[mend_draft],
)
