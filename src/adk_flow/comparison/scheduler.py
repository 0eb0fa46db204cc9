"""Trials: constructs × conversations × times, held side by side, resumed where they stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from msgspec.structs import replace

from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.store import Trial, TrialResult, TrialStore
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import read_log
from adk_flow.models.override import override_of
from adk_flow.run.conversation_run import describe_uncontrolled, run_conversation
from adk_flow.scenario.conversation import ALONE, Conversation

logger = logging.getLogger(__name__)


def plan_trials(
    constructs: Sequence[str], conversations: Sequence[str], times: int
) -> Iterator[Trial]:
    """Orders the trials so that each is made once before any is made again."""
    for number in range(1, times + 1):
        for conversation in conversations:
            for construct in constructs:
                yield Trial(construct, conversation, number)


async def run_trials(
    apps: Mapping[str, App],
    conversations: Mapping[str, Conversation],
    trials: Sequence[Trial],
    results: TrialStore,
    *,
    jobs: int,
    budget: Budget | None = None,
    told: Callable[[], None] = lambda: None,
) -> None:
    """Makes the trials that are not there yet, `jobs` at a time, until the budget is spent.

    Args:
      apps: the app under each construct.
      conversations: what to ask, by name.
      trials: which to make, in order.
      results: where they are kept.
      jobs: how many conversations are held at the same time.
      budget: the limit of all of them together.
      told: called after each.

    Raises:
      AdkFlowError: the folder of the results cannot be written, or a run that shows controlled
        models only asked another.
    """
    beside: set[str] = set()
    waiting = iter([trial for trial in trials if results.is_missing(trial)])
    limited = {
        name: app.model_copy(update={"plugins": [*app.plugins, *([budget] if budget else [])]})
        for name, app in apps.items()
    }

    async def work() -> None:
        for trial in waiting:
            app, asked = limited[trial.construct], conversations[trial.conversation]
            is_kept = not (budget and budget.refused) and await _run(
                trial, app, asked, results, budget, beside
            )
            if is_kept:
                told()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(work())
    except* Exception as errors:
        raise errors.exceptions[0] from None
    finally:
        if beside:
            logger.warning("adk-flow: %s", describe_uncontrolled(beside))
        for app in apps.values():
            await Runner(app=app, session_service=InMemorySessionService()).close()


async def _run(
    trial: Trial,
    app: App,
    asked: Conversation,
    results: TrialStore,
    budget: Budget | None,
    beside: set[str],
) -> bool:
    """Makes a trial; whether it was kept."""
    file = results.begin(trial)
    try:
        held = await run_conversation(app, asked, file=file, construct=trial.construct, close=False)
    except BaseException:
        results.drop(trial)
        raise
    if budget and budget.refused:
        results.drop(trial)
        return False
    if held.uncontrolled and not override_of(app).exclusive:
        results.drop(trial)
        named = ", ".join(held.uncontrolled)
        raise AdkFlowError(
            f"{trial.construct}: {named} was asked beside the agents that the log shows, so that "
            "no budget and no figure holds it; take the model offline"
        )
    beside.update(held.uncontrolled)
    failed = any(turn.failed for turn in held.turns)
    results.add(trial, TrialResult(*trial, held.failed_checks, failed, held.faults))
    return True


def measure_trials(
    trials: Sequence[Trial],
    conversations: Mapping[str, Conversation],
    results: TrialStore,
    team: Sequence[str],
    **priced: Any,
) -> Iterator[RunMetrics]:
    """Measures the trials that are there; `priced` is `measure_run`'s pace and price model."""
    for trial in trials:
        done = results.find(trial)
        if done is None:
            continue
        asked = conversations[trial.conversation]
        if trial.construct in ALONE:
            # Where the lead does all the work there is nobody whom a fact is not for.
            asked = replace(asked, canaries={n: one.text for n, one in asked.planted.items()})
        yield measure_run(
            read_log(results.log_of(trial)),
            construct=trial.construct,
            conversation=trial.conversation,
            asked=asked,
            failed_checks=done.failed_checks,
            team=team,
            trial=trial.number,
            **priced,
        )
