"""Best of n: several agents do the same task at once, a selector that knows no names chooses.

            ┌─► ask_Literal ─┐
    START ─►┼─► ask_Plain   ─┼─► join ─► choose
            └─► ask_Free    ─┘

Every turn stands alone: a candidate is shown the task, the selector the task and the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.utils.content_utils import to_user_content
from google.adk.workflow import FunctionNode, JoinNode, RetryConfig, Workflow
from google.genai import types

from adk_flow.record.extract import words_of
from adk_flow.wiring.coordination import ASK
from adk_flow.wiring.copies import Team, WiringError
from adk_flow.wiring.dispatch import as_json, asking_again
from adk_flow.wiring.nodes import (
    NOTHING,
    RETRY,
    TIMEOUT,
    as_text,
    bounded,
    outcome,
    quoted,
    running,
    state_after,
)
from adk_flow.wiring.selection import (
    LETTERS,
    QUESTION,
    Judge,
    Refusal,
    Selection,
    SelectionError,
    Slate,
    Verdict,
    fault_of,
    first_shown,
    in_fair_order,
    reason_key,
    refuse_nothing,
    schema_of_verdict,
    shown,
    slate_key,
    slate_of,
    told,
    verdict_of,
)

ASKS = 2
"""How often the selector is asked before code chooses."""


def best_of(
    name: str,
    candidates: Sequence[LlmAgent],
    selector: LlmAgent,
    *,
    fallback: Judge = first_shown,
    refuse: Refusal = refuse_nothing,
    timeout: float = TIMEOUT,
    retry: RetryConfig = RETRY,
) -> Workflow:
    """Makes a graph of copies of candidates and a selector; the originals stay as they are.

    Args:
      name: of the graph, which no agent in it may have.
      candidates: the agents that do the same task; the answer of one with an output schema is its
        first field.
      selector: the agent that chooses; its tools find the slate in the state, at `slate_key`.
      fallback: who chooses when the selector has named no candidate twice.
      refuse: why a task is none for the candidates, of whom none is then asked.
      timeout: seconds that an agent has for one attempt, if it sets none itself.
      retry: how often and when a candidate that failed or took too long is run again.

    Raises:
      WiringError: there are no candidates or more than letters, or two go by the same name.
    """
    _check(name, candidates, selector)
    team = Team(selector, candidates)
    copies = team.copies(include_contents="none")
    asks = [_asking(bounded(copy, timeout, retry), refuse) for copy in copies]
    judging = team.leading(
        output_schema=schema_of_verdict(len(candidates)),
        output_key=None,
        include_contents="none",
        after_model_callback=[*selector.canonical_after_model_callbacks, as_json],
    )
    chosen = _choosing(name, copies, bounded(judging, timeout, None), fallback)
    return Workflow(
        name=name,
        description=selector.description,
        edges=[("START", tuple(asks), JoinNode(name="join"), chosen)],
    )


async def select(root: Workflow | App, task: str) -> Selection:
    """Runs a best of n, or the app of one, in a session of its own, in memory.

    Raises:
      SelectionError: all candidates failed.
    """
    app = root if isinstance(root, App) else App(name=root.name, root_agent=root)
    name = app.root_agent.name if app.root_agent else ""
    return msgspec.convert((await state_after(app, task))[f"{name}_selection"], Selection)


def _check(name: str, candidates: Sequence[LlmAgent], selector: LlmAgent) -> None:
    if not 1 <= len(candidates) <= len(LETTERS):
        raise WiringError(f"{name} takes 1 to {len(LETTERS)} candidates, not {len(candidates)}")
    taken = [name, selector.name, *(one.name for one in candidates)]
    if twice := next((one for one in taken if taken.count(one) > 1), ""):
        raise WiringError(f"{name}: two go by the name {twice}; each needs a name of its own")


def _asking(candidate: Any, refuse: Refusal) -> FunctionNode:
    """Makes a node that gives a candidate the task, and survives its failure."""
    cause = reason_key(candidate.name)

    async def ask(ctx: Context, node_input: Any) -> dict[str, str]:
        task = words_of(to_user_content(node_input))
        if refused := refuse(task):
            return {"task": task, "failed": refused}
        came = await outcome(ctx, candidate, task)
        text = _text_of(came.get("answer", ""))
        if text:
            return {"task": task, "answer": text}
        failed = came.get("failed", NOTHING)
        return {
            "task": task,
            "failed": ctx.state.get(cause, NOTHING) if failed == NOTHING else failed,
        }

    return running(ask, f"{ASK}{candidate.name}")


def _text_of(answer: Any) -> str:
    """Takes the words of an answer; an output schema's first field is the candidate."""
    first = next(iter(answer.values()), "") if isinstance(answer, dict) else answer
    return as_text(first).strip()


def _choosing(
    name: str, candidates: Sequence[LlmAgent], selector: Any, fallback: Judge
) -> FunctionNode:
    async def choose(ctx: Context, node_input: dict[str, dict[str, str]]) -> Event:
        came = {one.name: node_input[f"{ASK}{one.name}"] for one in candidates}
        failed = {one: gave["failed"] for one, gave in came.items() if "failed" in gave}
        task = next(iter(came.values()))["task"]
        order = in_fair_order(task, came)
        given = {one: came[one]["answer"] for one in order if one not in failed}
        if not given:
            cause = _all_failed(failed)
            raise SelectionError(f"{name} has no candidate to choose from: {cause}")
        slate = slate_of(task, given)
        verdict, calls, is_fallback = await _verdict(ctx, selector, slate, fallback)
        selection = Selection(
            task=task,
            candidates=given,
            failed=failed,
            best=next(one for one in given if given[one] == slate.texts[verdict.best]),
            reason=verdict.reason,
            selector_calls=calls,
            is_fallback=is_fallback,
        )
        ctx.state[f"{name}_selection"] = msgspec.to_builtins(selection)
        return Event(output=selection.text, content=types.ModelContent(told(selection)))

    return running(choose, "choose")


def _all_failed(failed: dict[str, str]) -> str:
    """Says why all failed; once, if it is the same for several."""
    reasons = set(failed.values())
    if len(failed) > len(reasons) == 1:
        return reasons.pop()
    return "; ".join(f"{one}: {reason}" for one, reason in failed.items())


async def _verdict(
    ctx: Context, selector: Any, slate: Slate, fallback: Judge
) -> tuple[Verdict, int, bool]:
    """Asks the selector, once more if it names no candidate; then code chooses."""
    if len(slate.texts) == 1:
        cause = f"all {slate.said} say the same." if slate.said > 1 else "there was no other."
        return Verdict(next(iter(slate.texts)), cause), 0, False
    ctx.state[slate_key(selector.name)] = slate._asdict()
    asked = types.UserContent([types.Part(text=QUESTION), *(quoted(shown(slate)).parts or ())])
    given, fault = asked, ""
    for number in range(1, ASKS + 1):
        came = await outcome(ctx, selector, given)
        verdict = verdict_of(came.get("answer"))
        fault = came.get("failed") or fault_of(verdict, list(slate.texts))
        if not fault:
            return verdict, number, False
        given = asking_again(asked, came.get("answer", ""), fault)
    chosen = fallback(slate)
    reason = f"{selector.name} named no candidate ({fault}), so code chose: {chosen.reason}"
    return chosen._replace(reason=reason), ASKS, True
