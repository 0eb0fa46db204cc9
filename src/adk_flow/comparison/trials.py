"""The apps of an experiment in one process, where its trials are made and measured."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from msgspec import structs

from adk_flow._adk import keep_what_is_loaded
from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.experiment import Experiment
from adk_flow.comparison.faults import prepare_fault
from adk_flow.comparison.store import DrawPage, Trial, TrialResult, TrialStore, page_name
from adk_flow.comparison.variants import make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.models.cassette import Cassette, Tape
from adk_flow.models.override import override_models, override_of
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.run.virtual_time import VirtualLoop
from adk_flow.wiring import Peers, WiringError
from adk_flow.wiring.peers import recorded_in


class Batch(NamedTuple):
    """Trials that were made and measured."""

    runs: dict[Trial, RunMetrics]
    uncontrolled: set[str]
    """Models that were asked outside of what is recorded."""

    def add(self, other: Batch) -> None:
        """Adds what others made."""
        self.runs.update(other.runs)
        self.uncontrolled.update(other.uncontrolled)

    def __reduce__(self) -> Any:
        """Is pickled so that what a run leaves to its default is the default again."""
        return _unpickled, (msgspec.msgpack.encode((list(self.runs.items()), self.uncontrolled)),)


def _unpickled(data: bytes) -> Batch:
    runs, models = msgspec.msgpack.decode(data, type=_Pickled)
    return Batch(dict(runs), models)


_Pickled = tuple[list[tuple[Trial, RunMetrics]], set[str]]


class Bench:
    """An app under each construct, and the event loop in which it is talked to."""

    def __init__(
        self,
        experiment: Experiment,
        apps: Mapping[str, App],
        *,
        page: DrawPage | None = None,
        budget: Budget | None = None,
        cassette: Cassette | None = None,
        advance: Callable[[int], None] = lambda made: None,
    ) -> None:
        """Takes what all trials share; `advance` is called with how many were made since."""
        self._experiment, self._apps = experiment, apps
        self._page, self._budget, self._advance = page, budget, advance
        self._cassette = cassette
        self._loop: tuple[bool, asyncio.Runner] | None = None
        """The loop, whose time may be virtual."""
        _warm_up(is_offline=not experiment.is_live)

    def make(self, trials: Sequence[Trial], store: TrialStore, jobs: int = 1) -> Batch:
        """Makes the trials that a store lacks, those with a fault last, and measures all.

        Takes `jobs` at a time, until the budget is spent.

        Raises:
          AdkFlowError: the store cannot be read or written, or a run that shows controlled models
            only asked another.
        """
        batch = Batch({}, set())
        for of_faults in (False, True):
            part = [trial for trial in trials if self._experiment.is_of_faults(trial) == of_faults]
            if part:
                loop = self._open_loop(is_virtual=of_faults and not self._experiment.is_live)
                loop.run(self.make_together(part, store, batch, jobs))
        return batch

    async def make_together(
        self, trials: Sequence[Trial], store: TrialStore, batch: Batch, jobs: int = 1
    ) -> None:
        """Makes and measures trials in one loop, and adds them to a batch; see `make`."""
        room = asyncio.Semaphore(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for trial in trials:
                    await room.acquire()
                    # A task has a context of its own.
                    task = group.create_task(self._make(trial, store, batch))
                    task.add_done_callback(lambda _: room.release())
        except* Exception as errors:
            raise errors.exceptions[0] from None

    async def _make(self, trial: Trial, store: TrialStore, batch: Batch) -> None:
        """Makes a trial that is not there, if the budget has room for it, and measures it."""
        experiment, result, trace = self._experiment, store.find(trial), None
        if (result is None or result.failed) and not self._is_spent:
            app, sides = self._app_of(trial), store.peers_of(trial)
            with recorded_in(sides):
                run = await run_conversation(
                    **self._limited(app),
                    conversation=experiment.talk_of(trial),
                    file=store.begin(trial),
                    construct=trial.construct,
                    close=False,
                    sides=sides,
                )
            self._check(trial, app, run)
            batch.uncontrolled.update(run.uncontrolled)
            tape = override_of(app).tape
            if not (self._is_spent or (tape and tape.lacks)):
                failed = not trial.fault and any(turn.failed for turn in run.turns)
                result = TrialResult(*trial, run.failed_checks, failed, run.faults)
                store.add(result)
                trace = run.trace
                self._advance(1)
        if result is None:
            return
        log = trace.log._replace(path=str(store.log_of(trial))) if trace else store.read(trial)
        trace = structs.replace(trace, log=log) if trace else trace_log(log)
        batch.runs[trial] = run = measure_run(trace, **experiment.view_of(result))
        if self._page and (name := page_name(trial)):
            store.write(name, self._page(trace, run))

    def _app_of(self, trial: Trial) -> App:
        """Gives the app of a trial, with its fault, answered from a cassette if there is one."""
        app = prepare_fault(self._apps[trial.construct], trial, self._experiment.faults)
        if self._cassette is None:
            return app
        under = " with ".join(filter(None, (trial.construct, trial.fault)))
        tape = Tape(self._cassette, trial.number, f"{trial.conversation} under {under}")
        return override_models(app, tape=tape)

    @property
    def _is_spent(self) -> bool:
        return bool(self._budget and self._budget.refused)

    def _limited(self, app: App) -> dict[str, Any]:
        """Gives an app that the budget limits, and its listener, as arguments of a run."""
        if not self._budget or override_of(app).tape:  # which counts what is really asked
            return {"app": app}
        limited = app.model_copy(update={"plugins": [*app.plugins, self._budget]})
        return {"app": limited, "listener": self._budget.listen}

    def _check(self, trial: Trial, app: App, run: ConversationRun) -> None:
        """Refuses a run that asked more than its log shows, unless all of that was overridden."""
        if run.uncontrolled and not override_of(app).exclusive:
            raise AdkFlowError(
                f"{trial.construct}: {', '.join(run.uncontrolled)} was asked besides the agents "
                "that the log shows, so that no budget and no figure includes it; take the model "
                "offline"
            )

    def _open_loop(self, *, is_virtual: bool) -> asyncio.Runner:
        """Gives the open loop, or another if its time is not of that kind."""
        if self._loop is None or self._loop[0] != is_virtual:
            self.close()
            factory = VirtualLoop if is_virtual else None
            self._loop = is_virtual, asyncio.Runner(loop_factory=factory)
        return self._loop[1]

    def close(self) -> None:
        """Closes the apps' plugins and toolsets, and the loop."""
        if self._loop is not None:
            (_, runner), self._loop = self._loop, None
            with runner:
                runner.run(self._close_apps())

    async def _close_apps(self) -> None:
        for app in self._apps.values():
            await Runner(app=app, session_service=InMemorySessionService()).close()


def _warm_up(*, is_offline: bool) -> None:
    """Spares the first trials what would count as their time."""
    if is_offline and find_spec("wordllama"):
        from adk_flow.models.embedding import embed  # an extra: nothing else here needs it

        embed(["loaded before the clock starts"])
    keep_what_is_loaded()


def make_batch(
    experiment: bytes, folder: Path, page: DrawPage | None, trials: Sequence[Trial]
) -> Batch:
    """Makes trials of an experiment (as JSON) in a folder, in any process.

    Raises:
      AdkFlowError: the app cannot be loaded or wired here, or as for `Bench.make`.
    """
    return _load(experiment, page).make(trials, open_store(folder, experiment))


@lru_cache(1)
def _load(data: bytes, page: DrawPage | None) -> Bench:
    """Loads the app of an experiment and wires it; what it opens is closed with the process."""
    experiment = msgspec.json.decode(data, type=Experiment)
    app = load_app(experiment.app, experiment.model)
    peers = Peers(experiment.app, deep=experiment.deep)
    variants = make_variants(
        override_models(app, latency=experiment.slept),
        experiment.constructs,
        deep=experiment.deep,
        peers=peers,
        advisor=experiment.advisor,
    )
    if reason := next(map(variants.skipped.get, {*experiment.constructs} - {*variants.apps}), ""):
        raise WiringError(reason)
    bench = Bench(experiment, variants.apps, page=page)
    atexit.register(peers.close)
    atexit.register(bench.close)
    return bench


@lru_cache(1)
def open_store(folder: Path, experiment: bytes) -> TrialStore:
    """Opens the folder of an experiment (as JSON), as long as no other is opened."""
    return TrialStore(folder, msgspec.json.decode(experiment, type=Experiment).identity)
