"""Stages of a piece as a graph: side by side within a stage, with a loop of reviews.

    START ─► topic ─┬─► ask_A ─┬─► research ─► write ─┬─► ask_C ─┬─► reviews ─► decide ─► finish
                    └─► ask_B ─┘                 ▲    └─► ask_D ─┘                │
                                                 └─────────── again ──────────────┘

Every turn stands alone, and an agent is shown no more than it needs: a researcher the topic, the
writer the notes, a reviewer notes and draft. What each came to stands in session state, by the
keys of `tools.piece`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.utils.content_utils import to_user_content
from google.adk.workflow import FunctionNode, JoinNode, RetryConfig, Workflow
from google.genai import types

from adk_flow.record.extract import words_of
from adk_flow.wiring.nodes import as_said, as_text, chained, quoted, running
from examples.content.attempts import attempted, passages_of, without_failures
from examples.content.result import RESULT, ContentError, heading_of, piece_of, told
from examples.content.staff import Staff, check, copied
from examples.content.verdicts import verdict_of
from tools import piece

ROUNDS = 3
"""Drafts that are written at most."""
TIMEOUT = 60.0
"""Seconds that an agent has for one attempt."""
RETRY = RetryConfig(max_attempts=2, initial_delay=0.5, jitter=0.0)


def staged(
    name: str,
    staff: Staff,
    *,
    rounds: int = ROUNDS,
    timeout: float = TIMEOUT,
    retry: RetryConfig = RETRY,
) -> Workflow:
    """Makes the graph, of copies of its staff.

    Args:
      name: of the graph, which no agent in it may have.
      staff: who does the work; an agent's own `timeout` and `retry_config` go first.
      rounds: drafts that are written at most.
      timeout: seconds that an agent has for one attempt.
      retry: how often and when an agent that failed or took too long is run again.

    Raises:
      WiringError: a stage has nobody in it, or two go by the same name.
    """
    check(name, staff, rounds)
    staff = copied(staff, timeout, retry)
    write = _writing(staff)
    return chained(
        name,
        open_topic,
        tuple(_researching(one) for one in staff.researchers),
        JoinNode(name="research"),
        write,
        tuple(_reviewing(one, staff) for one in staff.reviewers),
        JoinNode(name="reviews"),
        _deciding(staff, rounds),
        {"again": write, "out": _finishing(staff)},
    )


def open_topic(ctx: Context, node_input: Any) -> None:
    """Keeps the topic, and counts drafts from the start."""
    ctx.state[piece.TOPIC] = words_of(to_user_content(node_input or ctx.user_content))
    ctx.state[piece.ROUND] = 0


def _researching(agent: LlmAgent) -> FunctionNode:
    async def research(ctx: Context) -> None:
        came = await attempted(ctx, agent, types.UserContent(ctx.state[piece.TOPIC]))
        passages = passages_of(ctx, agent.name)
        if "answer" in came:
            notes = without_failures(ctx, agent.name, as_text(came["answer"]))
            is_found = passages and notes
            came = {"answer": notes} if is_found else {"failed": "it found no passage on this"}
        ctx.state[piece.research_key(agent.name)] = {**came, "passages": passages}

    return running(research, f"ask_{agent.name}")


def _writing(staff: Staff) -> FunctionNode:
    mender = staff.writer
    # A first draft has nothing to mend, and one tool the less to be misled by.
    writer = mender.clone(update={"tools": []})

    async def write(ctx: Context) -> None:
        notes, number = _notes(ctx, staff), ctx.state[piece.ROUND] + 1
        if number == 1:
            came = await attempted(ctx, writer, _asked(ctx.state[piece.TOPIC], notes))
        else:
            remarks = f"Your draft was sent back. {_remarks(ctx, staff, number - 1)}"
            came = await attempted(ctx, mender, _asked(remarks, notes, _draft(ctx, staff)))
        if "failed" in came:
            raise ContentError(f"no draft {number}: {mender.name} failed: {came['failed']}")
        draft = as_text(came["answer"])
        if not piece.is_draft(draft, piece.passages_found(ctx.state.to_dict())):
            begun = " ".join(draft.split()[:20])
            raise ContentError(f"no draft {number}: {mender.name} answered with none: “{begun}”")
        ctx.state[piece.ROUND] = number
        ctx.state[piece.draft_key(number)] = draft
        for reviewer in staff.reviewers:  # what an earlier turn left there
            ctx.state[piece.check_key(number, reviewer.name)] = None

    return running(write, "write")


def _reviewing(agent: LlmAgent, staff: Staff) -> FunctionNode:
    async def review(ctx: Context) -> None:
        number, draft = ctx.state[piece.ROUND], _draft(ctx, staff)
        came = await attempted(ctx, agent, _asked(agent.description, _notes(ctx, staff), draft))
        finding = ctx.state.get(piece.check_key(number, agent.name))
        ctx.state[piece.review_key(number, agent.name)] = verdict_of(came, finding)

    return running(review, f"ask_{agent.name}")


def _deciding(staff: Staff, rounds: int) -> FunctionNode:
    def decide(ctx: Context) -> None:
        number = ctx.state[piece.ROUND]
        # Without a remark, the writer would have nothing to go by.
        ctx.route = "again" if _remarks(ctx, staff, number) and number < rounds else "out"

    return FunctionNode(func=decide, name="decide")


def _finishing(staff: Staff) -> FunctionNode:
    optimiser = staff.optimiser

    async def finish(ctx: Context) -> types.Content:
        asked = _asked(optimiser.description, _draft(ctx, staff))
        came = await attempted(ctx, optimiser, asked)
        state = ctx.state.to_dict()
        made = piece_of(
            state,
            [one.name for one in staff.researchers],
            [one.name for one in staff.reviewers],
            heading_of(came, piece.passages_found(state)),
        )
        ctx.state[RESULT] = made
        return types.ModelContent(told(made))

    return running(finish, "finish")


def _asked(words: str, *context: Sequence[str]) -> types.Content:
    """Writes what an agent is asked, and below it what others said."""
    lines = [line for lines in context for line in lines]
    return types.UserContent([types.Part(text=words), *(quoted(lines).parts or ())])


def _draft(ctx: Context, staff: Staff) -> list[str]:
    return [as_said(staff.writer, piece.latest_draft(ctx.state.to_dict()))]


def _notes(ctx: Context, staff: Staff) -> list[str]:
    """Quotes what the researchers found.

    Raises:
      ContentError: none of them found anything.
    """
    found = [(one, ctx.state[piece.research_key(one.name)]) for one in staff.researchers]
    if notes := [as_said(one, came["answer"]) for one, came in found if "answer" in came]:
        return notes
    reasons = "; ".join(f"{one.name} failed: {came['failed']}" for one, came in found)
    raise ContentError(f"there is nothing to write from: {reasons}")


def _remarks(ctx: Context, staff: Staff, number: int) -> str:
    verdicts = [ctx.state[piece.review_key(number, one.name)] for one in staff.reviewers]
    return " ".join(one["remarks"] for one in verdicts if one["remarks"])
