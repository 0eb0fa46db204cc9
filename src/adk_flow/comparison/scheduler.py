"""Trials: constructs × conversations × times, several at once, resumed where they stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from msgspec.structs import replace

from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.store import KeepRun, Trial, TrialResult, TrialStore
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_of
from adk_flow.run.conversation_run import ConversationRun, describe_uncontrolled, run_conversation
from adk_flow.scenario.conversation import ALONE, Conversation
from adk_flow.wiring import recorded_in

_logger = logging.getLogger(__name__)


def plan_trials(constructs: Iterable[str], conversations: Iterable[str], times: int) -> list[Trial]:
    """Orders the trials so that each is made once before any is made again."""
    order = product(range(1, times + 1), conversations, constructs)
    return [Trial(construct, conversation, number) for number, conversation, construct in order]


async def run_trials(
    apps: Mapping[str, App],
    conversations: Mapping[str, Conversation],
    trials: Sequence[Trial],
    store: TrialStore,
    *,
    jobs: int,
    budget: Budget | None = None,
    progress: Callable[[int, int], None] = lambda done, planned: None,
    prepare: Callable[[App, Trial], App] = lambda app, trial: app,
) -> None:
    """Makes the trials that are not there yet, `jobs` at a time, until the budget is spent.

    Args:
      apps: the app under each construct.
      conversations: what to ask, by name.
      trials: which to make, in order.
      store: where they are kept, for this process alone meanwhile.
      jobs: how many conversations run at the same time.
      budget: the limit of all of them together.
      progress: called with how many are there and how many are planned, at first and after each.
      prepare: gives the app of a trial, made of that under its construct.

    Raises:
      AdkFlowError: the store cannot be written, or a run that shows controlled models only asked
        another.
    """
    work = _Work(store, conversations, budget, asyncio.Semaphore(jobs), progress, len(trials))
    try:
        with store.alone():
            missing = [trial for trial in trials if store.is_missing(trial)]
            work.advance(len(trials) - len(missing))
            async with asyncio.TaskGroup() as group:
                for trial in missing:
                    app = prepare(apps[trial.construct], trial)
                    group.create_task(work.make(trial, app))
    except* Exception as errors:
        raise errors.exceptions[0] from None
    finally:
        if work.uncontrolled:
            _logger.warning("adk-flow: %s", describe_uncontrolled(work.uncontrolled))
        for app in apps.values():
            await Runner(app=app, session_service=InMemorySessionService()).close()


@dataclass
class _Work:
    """What the trials that are made at the same time share."""

    store: TrialStore
    conversations: Mapping[str, Conversation]
    budget: Budget | None
    jobs: asyncio.Semaphore
    progress: Callable[[int, int], None]
    planned: int
    done: int = 0
    uncontrolled: set[str] = field(default_factory=set)
    """Models that were asked outside of what is recorded."""

    def advance(self, number: int = 1) -> None:
        """Reports that more trials are there."""
        self.done += number
        self.progress(self.done, self.planned)

    async def make(self, trial: Trial, app: App) -> None:
        """Makes a trial, if the budget has room for it, and keeps it if it came to its end."""
        async with self.jobs:
            if self._is_spent:
                return
            conversation, file = self.conversations[trial.conversation], self.store.begin(trial)
            listener = None
            if self.budget and not override_of(app).tape:  # which counts what is really asked
                app = app.model_copy(update={"plugins": [*app.plugins, self.budget]})
                listener = self.budget.listen
            try:
                sides = self.store.peers_of(trial)
                with recorded_in(sides):
                    run = await run_conversation(
                        app,
                        conversation,
                        file=file,
                        construct=trial.construct,
                        listener=listener,
                        close=False,
                        sides=sides,
                    )
                self._check(trial, app, run)
                if not self._is_spent:
                    failed = not trial.fault and any(turn.failed for turn in run.turns)
                    self.store.add(TrialResult(*trial, run.failed_checks, failed, run.faults))
                    self.advance()
            finally:
                self.store.drop(trial)

    @property
    def _is_spent(self) -> bool:
        return bool(self.budget and self.budget.refused)

    def _check(self, trial: Trial, app: App, run: ConversationRun) -> None:
        """Refuses a run that asked more than its log shows, unless all of that was overridden."""
        if run.uncontrolled and not override_of(app).exclusive:
            raise AdkFlowError(
                f"{trial.construct}: {', '.join(run.uncontrolled)} was asked besides the agents "
                "that the log shows, so that no budget and no figure includes it; take the model "
                "offline"
            )
        self.uncontrolled.update(run.uncontrolled)


def measure_trials(
    trials: Sequence[Trial],
    conversations: Mapping[str, Conversation],
    store: TrialStore,
    team: Sequence[str],
    keep: KeepRun,
    **priced: Any,
) -> Iterator[RunMetrics]:
    """Measures the trials that are there; `priced` is `measure_run`'s pace and price model."""
    for trial in trials:
        result = store.find(trial)
        if result is None:
            continue
        asked = conversations[trial.conversation]
        if trial.construct in ALONE:
            # Where the lead does all the work there is nobody whom a fact is not for.
            texts = {name: canary.text for name, canary in asked.planted.items()}
            asked = replace(asked, canaries=texts)
        log = store.read(trial)
        run = measure_run(
            log,
            construct=trial.construct,
            conversation=trial.conversation,
            asked=asked,
            failed_checks=result.failed_checks,
            team=team,
            trial=trial.number,
            **priced,
        )
        keep(trial, log, run.findings)
        yield run
