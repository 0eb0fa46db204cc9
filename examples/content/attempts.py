"""What an agent's work on a piece came to, its failure included."""

from __future__ import annotations

import re
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow._errors import DynamicNodeFailError
from google.genai import types

from tools.sources import Found


async def attempted(ctx: Context, agent: LlmAgent, asked: types.Content) -> dict[str, Any]:
    """Runs an agent; gives its `answer`, or why it `failed` after its last attempt."""
    try:
        answer = await ctx.run_node(agent, asked)
    except DynamicNodeFailError as failure:
        return {"failed": f"{type(failure.error).__name__}: {failure.error}"}
    return {"answer": answer} if answer else {"failed": "it answered nothing"}


def passages_of(ctx: Context, agent: str) -> list[Found]:
    """Returns the passages that an agent's look-ups returned in this turn, each once."""
    found = [one for result in _results_of(ctx, agent) for one in result.get("passages", ())]
    return list({passage["text"]: passage for passage in found}.values())


def without_failures(ctx: Context, agent: str, notes: str) -> str:
    """Leaves out the paragraphs of notes that repeat why a look-up failed: they are no research."""
    errors = [str(result["error"]) for result in _results_of(ctx, agent) if result.get("error")]
    paragraphs = re.split(r"\n\s*\n", notes)
    return "\n\n".join(one for one in paragraphs if not any(error in one for error in errors))


def _results_of(ctx: Context, agent: str) -> list[dict[str, Any]]:
    return [
        response.response or {}
        for event in ctx.session.events
        if event.invocation_id == ctx.invocation_id and event.author == agent
        for response in event.get_function_responses()
    ]
