"""A reviewer's verdict and what its tool found, joined: what counts, and what it therefore says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from tools import piece

UNCHECKED = "it gave a verdict without its check"
_FINAL_TOOL = "set_model_response"


def verdict_of(came: Mapping[str, Any], finding: Mapping[str, Any] | None) -> dict[str, Any]:
    """Joins a reviewer's verdict with what its tool found, which it cannot overrule.

    A verdict without the tool's finding is none: nobody has checked the draft.
    """
    failed = came.get("failed") or ("" if finding else UNCHECKED)
    if failed or finding is None:
        remarks = finding["remarks"] if finding else ""
        return {"approved": False, "remarks": remarks, "failed": failed}
    said, found = came["answer"].get("remarks", ""), finding["remarks"]
    approved = bool(finding["approved"] and came["answer"].get("approved"))
    remarks = said if found in said else f"{found} {said}".strip()
    return {"approved": approved, "remarks": "" if approved else remarks, "failed": ""}


def say_what_counts(callback_context: CallbackContext, llm_response: LlmResponse) -> None:
    """Puts what counts in place of a reviewer's verdict, so that its answer tells what follows.

    The log keeps what the model said in its `after_model` record: plugins are asked first.
    """
    if llm_response.partial or not llm_response.content or not llm_response.content.parts:
        return
    state = callback_context.state
    finding = state.get(piece.check_key(state[piece.ROUND], callback_context.agent_name))
    parts = [_counting(part, finding) for part in llm_response.content.parts]
    llm_response.content = types.Content(role=llm_response.content.role, parts=parts)


def _counting(part: types.Part, finding: Mapping[str, Any] | None) -> types.Part:
    call = part.function_call
    # ADK gives models that take no schema beside tools a tool to answer with (2.13, _schema.py).
    if call and call.name == _FINAL_TOOL and call.args and "approved" in call.args:
        counted = _counted(call.args, finding)
        call = call.model_copy(update={"args": counted})
        return part.model_copy(update={"function_call": call})
    try:
        said = json.loads("" if part.thought else part.text or "")
    except ValueError:
        return part
    if not isinstance(said, dict) or "approved" not in said:
        return part
    counted = _counted(said, finding)
    return part if counted == said else part.model_copy(update={"text": _written(counted)})


def _counted(said: Mapping[str, Any], finding: Mapping[str, Any] | None) -> dict[str, Any]:
    verdict = verdict_of({"answer": said}, finding)
    remarks = verdict["remarks"] or (f"Not approved: {verdict['failed']}." if not finding else "")
    return {**said, "approved": verdict["approved"], "remarks": remarks}


def _written(verdict: Mapping[str, Any]) -> str:
    return json.dumps(verdict, ensure_ascii=False)
