"""Failure modes of multi-agent systems that a kind of finding is, by Cemri et al. (MAST).

arXiv 2503.13657, appendix A. Kinds that none of its 14 modes describes have none.
"""

from __future__ import annotations

MAST_MODES = {
    "ping_pong": "FM-1.3 step repetition",
    "repeated_answer": "FM-1.3 step repetition",
    "replaced_turns": "FM-1.4 loss of conversation history",
    "withheld_fact": "FM-2.4 information withholding",
    "unrelayed_answer": "FM-2.5 ignored other agent's input",
    "cut_answer": "FM-3.1 premature termination",
    "stage_not_begun": "FM-3.1 premature termination",
}
"""Id and name of a mode, by kind."""


def mast_id(kind: str) -> str:
    """Gives the id of the mode that a kind of finding is; empty for none."""
    return MAST_MODES.get(kind, "").partition(" ")[0]
