"""Trials made in one event loop, several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from google.adk.apps import App

from adk_flow.comparison.budget import Budget
from adk_flow.comparison.store import Trial, TrialResult, TrialStore
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_of
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import recorded_in


async def make_trials(
    apps: Mapping[str, App],
    conversations: Mapping[str, Conversation],
    trials: Iterable[Trial],
    store: TrialStore,
    *,
    jobs: int = 1,
    budget: Budget | None = None,
    advance: Callable[[int], None] = lambda made: None,
    prepare: Callable[[App, Trial], App] = lambda app, trial: app,
) -> set[str]:
    """Makes trials in their order, `jobs` at a time, until the budget is spent.

    Gives the models that the apps' own code asked, past their agents.

    Args:
      apps: the app under each construct.
      conversations: what to ask, by name.
      trials: which to make.
      store: where they are kept.
      jobs: how many conversations run at the same time.
      budget: the limit of all of them together.
      advance: called with how many were made since.
      prepare: gives the app of a trial, made of that under its construct.

    Raises:
      AdkFlowError: the store cannot be written, or a run that shows controlled models only asked
        another.
    """
    work = _Work(store, conversations, budget, advance)
    waiting = iter(trials)

    async def make_next() -> None:
        for trial in waiting:
            app = prepare(apps[trial.construct], trial)
            await group.create_task(work.make(trial, app))  # whose context is its own

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(make_next())
    except* Exception as errors:
        raise errors.exceptions[0] from None
    return work.uncontrolled


@dataclass
class _Work:
    """What the trials that are made at the same time share."""

    store: TrialStore
    conversations: Mapping[str, Conversation]
    budget: Budget | None
    advance: Callable[[int], None]
    uncontrolled: set[str] = field(default_factory=set)
    """Models that the apps' own code asked, past their agents."""

    async def make(self, trial: Trial, app: App) -> None:
        """Makes a trial, if the budget has room for it, and keeps it if it came to its end."""
        if self._is_spent:
            return
        conversation, file = self.conversations[trial.conversation], self.store.begin(trial)
        listener = None
        if self.budget and not override_of(app).tape:  # which counts what is really asked
            app = app.model_copy(update={"plugins": [*app.plugins, self.budget]})
            listener = self.budget.listen
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
            self.advance(1)

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
