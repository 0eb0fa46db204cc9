"""Stages of a piece as a graph: side by side within a stage, with a loop of reviews.

    START ─► open ─┬─► research_A ─┬─► research ─► write ─┬─► review_A ─┬─► reviews ─► decide
                   └─► research_B ─┘                 ▲    └─► review_B ─┘                 │
                                                     └────────────── again ───────────────┤
                                                                  optimise ◄───── out ────┘

Every turn stands alone, and each agent is shown only what it needs: a researcher the topic, the
writer the notes, a reviewer notes and draft. What a stage comes to is in session state, under keys
of `tools.piece`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.utils.content_utils import to_user_content
from google.adk.workflow import FunctionNode, JoinNode, RetryConfig, Workflow
from google.genai import types

from adk_flow.reading import words_of
from adk_flow.wiring.copies import Team, WiringError
from adk_flow.wiring.nodes import as_said, as_text, chained, quoted, running
from examples.content.attempts import ContentError, attempt, passages_of, verdict_of
from examples.content.result import heading_of, told
from tools.piece import (
    ROUND,
    TOPIC,
    check_key,
    draft_key,
    latest_draft,
    research_key,
    review_key,
)

ROUNDS = 3
"""Drafts that are written at most."""
TIMEOUT = 60.0
"""Seconds that an agent has for one attempt."""
RETRY = RetryConfig(max_attempts=2, initial_delay=0.5, jitter=0.0)


@dataclass(frozen=True)
class Staff:
    """Copies of those who make a piece, ready for a graph."""

    researchers: Sequence[LlmAgent]
    writer: LlmAgent
    """As it writes the first draft: its tools mend a draft, so it has none."""
    mender: LlmAgent
    """The writer as it mends a draft."""
    reviewers: Sequence[LlmAgent]
    optimiser: LlmAgent

    def notes(self, state: dict[str, Any]) -> list[str]:
        """Quotes what the researchers found."""
        found = [(one, state[research_key(one.name)]) for one in self.researchers]
        return [as_said(one, came["answer"]) for one, came in found if "answer" in came]


def staged(
    name: str,
    researchers: Sequence[LlmAgent],
    writer: LlmAgent,
    reviewers: Sequence[LlmAgent],
    optimiser: LlmAgent,
    *,
    rounds: int = ROUNDS,
    timeout: float = TIMEOUT,
    retry: RetryConfig = RETRY,
) -> Workflow:
    """Makes the graph of copies of these agents.

    Args:
      name: of the graph, which no agent in it may have.
      researchers: agents with look-ups that return `passages`, as `tools.guidance`'s do.
      writer: the agent that writes, and with its tools mends, the draft.
      reviewers: agents that answer with a verdict, after a check of `tools.piece`.
      optimiser: the agent that answers with a title and a summary.
      rounds: drafts that are written at most.
      timeout: seconds that an agent has for one attempt, if it has no limit of its own.
      retry: how often and when an agent that failed or took too long is run again.

    Raises:
      WiringError: a stage has nobody in it, or two go by the same name.
    """
    _check(name, researchers, writer, reviewers, optimiser, rounds)
    limits = {"timeout": timeout, "retry_config": retry}
    staff = _staff(researchers, writer, reviewers, optimiser, limits)
    write = _writing(staff)
    graph = chained(
        name,
        _open,
        tuple(_researching(one) for one in staff.researchers),
        JoinNode(name="research"),
        write,
        tuple(_reviewing(one, staff) for one in staff.reviewers),
        JoinNode(name="reviews"),
        _deciding(staff, rounds),
        {"again": write, "out": _optimising(staff)},
    )
    graph.description = "Writes a short piece on a topic: research, draft, reviews, heading."
    return graph


def _check(
    name: str,
    researchers: Sequence[LlmAgent],
    writer: LlmAgent,
    reviewers: Sequence[LlmAgent],
    optimiser: LlmAgent,
    rounds: int,
) -> None:
    if not researchers or not reviewers or rounds < 1:
        raise WiringError(f"{name} needs a researcher, a reviewer and a round, at least")
    agents = [*researchers, writer, *reviewers, optimiser]
    taken = [name, *(one.name for one in agents)]
    if twice := next((one for one in taken if taken.count(one) > 1), ""):
        raise WiringError(f"{name}: two go by the name {twice}; each needs a name of its own")
