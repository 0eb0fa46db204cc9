"""Stages of a piece as a graph: at once within a stage, with a loop of reviews.

    START ─► begin ─┬─► ask A ─┬─► brief ─► write ─► submit ─┬─► ask C ─┬─► decide ─► head ─► finish
                    └─► ask B ─┘              ▲              └─► ask D ─┘     │
                                              └──────────── again ────────────┘

Every turn stands alone. An agent is shown no more than it needs: a researcher the topic, the writer
the notes, a reviewer notes and draft, the optimiser the draft.
"""

from collections.abc import Sequence
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.context import Context
from google.adk.events.event import Event
from google.adk.workflow import JoinNode, RetryConfig, Workflow
from google.genai import types

from .tools import faults_of

ROUNDS = 3
"""Drafts that are written at most."""
RETRY = RetryConfig(max_attempts=2, initial_delay=0.5, jitter=0.0)


def staged(
    name: str,
    researchers: Sequence[LlmAgent],
    writer: LlmAgent,
    reviewers: Sequence[LlmAgent],
    optimiser: LlmAgent,
) -> Workflow:
    """Makes the graph."""
    for agent in (*researchers, writer, *reviewers, optimiser):
        agent.retry_config, agent.timeout = RETRY, 60.0
    research, reviews = JoinNode(name="research"), JoinNode(name="reviews")
    routes: Any = {"again": writer, "out": optimiser}
    writing: Any = (tuple(researchers), research, brief, writer, submit)
    reviewing: Any = (tuple(reviewers), reviews, decide, routes)
    edges = [("START", begin, *writing, *reviewing), (optimiser, finish)]
    return Workflow(name=name, edges=edges)


def begin(ctx: Context) -> str:
    """Keeps the topic, and counts drafts from the start."""
    parts = (ctx.user_content and ctx.user_content.parts) or []
    ctx.state["topic"], ctx.state["round"] = " ".join(part.text or "" for part in parts), 0
    return ctx.state["topic"]


def brief(ctx: Context, node_input: dict[str, str]) -> str:
    """Gives the writer the topic and the notes."""
    # Sorted, for a JoinNode's order varies with the hash seed (2.13).
    ctx.state["notes"] = "\n\n".join(f"[{name}] {node_input[name]}" for name in sorted(node_input))
    return f"{ctx.state['topic']}\n\nNotes:\n{ctx.state['notes']}"


def submit(ctx: Context, node_input: str) -> str:
    """Gives the reviewers the notes, the draft, and what code finds wrong with it."""
    ctx.state["round"] += 1
    ctx.state["draft"], ctx.state["faults"] = node_input, faults_of(node_input)
    found = " ".join(ctx.state["faults"]) or "nothing wrong"
    return f"Notes:\n{ctx.state['notes']}\n\nDraft:\n{node_input}\n\nCode finds: {found}"


def decide(ctx: Context, node_input: dict[str, dict[str, Any]]) -> Event:
    """Sends the draft back with all remarks, until there are none or the rounds are over."""
    verdicts = [node_input[name] for name in sorted(node_input)]
    remarks = [one["remarks"] or "Not approved." for one in verdicts if not one["approved"]]
    ctx.state["remarks"] = " ".join(dict.fromkeys([*ctx.state["faults"], *remarks]))
    is_over = not ctx.state["remarks"] or ctx.state["round"] >= ROUNDS
    ctx.route = "out" if is_over else "again"
    draft, back = ctx.state["draft"], f"Your draft was sent back: {ctx.state['remarks']}"
    return Event(output=draft if is_over else f"{back}\n\n{draft}\n\nNotes:\n{ctx.state['notes']}")


def finish(ctx: Context, node_input: dict[str, str]) -> types.Content:
    """Writes the piece for its reader, and whether it was approved."""
    number, remarks = ctx.state["round"], ctx.state["remarks"]
    drafts = "1 draft" if number == 1 else f"{number} drafts"
    imprint = f"{drafts}. " + (f"Not approved: {remarks}" if remarks else "Approved.")
    title = f"# {node_input['title']}\n\n{node_input['summary']}"
    return types.ModelContent(f"{title}\n\n{ctx.state['draft']}\n\n{imprint}")
