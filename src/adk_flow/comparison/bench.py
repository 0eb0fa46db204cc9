"""The apps of an experiment in one process, and a batch of trials that is made with them."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import msgspec
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService

from adk_flow._adk import keep_what_is_loaded
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.experiment import Experiment
from adk_flow.comparison.fault_matrix import TALK
from adk_flow.comparison.faults import prepare_fault
from adk_flow.comparison.scheduler import make_trials
from adk_flow.comparison.store import Trial, TrialStore
from adk_flow.comparison.taping import taped
from adk_flow.comparison.variants import make_variants
from adk_flow.models.cassette import Cassette
from adk_flow.models.override import override_models
from adk_flow.run.app import load_app
from adk_flow.run.virtual_time import VirtualLoop
from adk_flow.wiring import Peers, WiringError


class Bench:
    """An app under each construct, and the event loop in which it is talked to."""

    def __init__(
        self,
        experiment: Experiment,
        apps: Mapping[str, App],
        budget: Budget | None = None,
        cassette: Cassette | None = None,
    ) -> None:
        """Takes what is run, the app under each construct, and what limits and answers them all."""
        self._experiment, self._apps, self._budget = experiment, apps, budget
        self._prepare = taped(cassette, partial(prepare_fault, faults=experiment.faults))
        self._loop: tuple[bool, asyncio.Runner] | None = None
        """The loop, whose time may be virtual."""
        _warm_up(is_offline=not experiment.is_live)

    def make(
        self,
        trials: Sequence[Trial],
        store: TrialStore,
        *,
        jobs: int = 1,
        advance: Callable[[int], None] = lambda made: None,
    ) -> set[str]:
        """Makes trials, those with a fault last; see `make_trials`."""
        faults, models = self._experiment.faults, set[str]()
        talks = dict(self._experiment.conversations)
        if faults:
            talks[TALK] = faults.talk
        for is_of_faults in (False, True):
            part = [t for t in trials if bool(faults and t.conversation == TALK) == is_of_faults]
            if not part:
                continue
            loop = self._open_loop(is_virtual=is_of_faults and not self._experiment.is_live)
            work = make_trials(
                *(self._apps, talks, part, store),
                jobs=jobs,
                budget=self._budget,
                advance=advance,
                prepare=self._prepare,
            )
            models |= loop.run(work)
        return models

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


def run_batch(experiment: bytes, trials: Sequence[Trial], folder: Path) -> set[str]:
    """Makes trials of an experiment (as JSON) in a folder, in any process.

    Gives the models that the apps' own code asked, past their agents.

    Raises:
      AdkFlowError: the app cannot be loaded or wired here, or as for `make_trials`.
    """
    bench, identity = _load(experiment)
    return bench.make(trials, _open(folder, *identity))


@lru_cache(1)
def _load(data: bytes) -> tuple[Bench, tuple[tuple[str, str], ...]]:
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
    bench = Bench(experiment, variants.apps)
    atexit.register(peers.close)
    atexit.register(bench.close)
    return bench, tuple(experiment.identity.items())


@lru_cache(1)
def _open(folder: Path, *identity: tuple[str, str]) -> TrialStore:
    return TrialStore(folder, dict(identity))
