"""What an agent's work on a piece came to, its failure included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow._errors import DynamicNodeFailError
from google.genai import types

from tools.figures import Found


async def attempted(ctx: Context, agent: LlmAgent, asked: types.Content) -> dict[str, Any]:
    """Runs an agent; gives its `answer`, or why it `failed` after its last attempt."""
    try:
        answer = await ctx.run_node(agent, asked)
    except DynamicNodeFailError as failure:
        return {"failed": f"{type(failure.error).__name__}: {failure.error}"}
    return {"answer": answer} if answer else {"failed": "it answered nothing"}


def passages_of(ctx: Context, agent: str) -> list[Found]:
    """Returns the passages that an agent's look-ups returned in this turn, each once."""
    results = (
        response.response or {}
        for event in ctx.session.events
        if event.invocation_id == ctx.invocation_id and event.author == agent
        for response in event.get_function_responses()
    )
    found = [passage for result in results for passage in result.get("passages", ())]
    return list({passage["text"]: passage for passage in found}.values())


def verdict_of(came: Mapping[str, Any], finding: Mapping[str, Any] | None) -> dict[str, Any]:
    """Joins a reviewer's verdict with what its tool found, which it cannot overrule.

    A verdict without the tool's finding is none: nobody has checked the draft.
    """
    failed = came.get("failed") or ("" if finding else "it gave a verdict without its check")
    if failed or finding is None:
        remarks = finding["remarks"] if finding else ""
        return {"approved": False, "remarks": remarks, "failed": failed}
    said, found = came["answer"].get("remarks", ""), finding["remarks"]
    approved = bool(finding["approved"] and came["answer"].get("approved"))
    remarks = said if found in said else f"{found} {said}".strip()
    return {"approved": approved, "remarks": "" if approved else remarks, "failed": ""}
