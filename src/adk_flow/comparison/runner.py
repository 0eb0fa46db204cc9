"""A comparison of an app's constructs: every conversation is run under each of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from google.adk.apps import App

from adk_flow.analysis.run_metrics import AS_IS, KEYLESS_MODELS
from adk_flow.comparison.aggregate import CassetteUse, Comparison, Setting, compare_runs
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.crossovers import ADVISOR
from adk_flow.comparison.experiment import Experiment
from adk_flow.comparison.fault_matrix import TALK
from adk_flow.comparison.faults import choose_talk, plan_faults
from adk_flow.comparison.processes import Workers, choose_processes
from adk_flow.comparison.shards import add_wiring, read_shard
from adk_flow.comparison.spec import (
    check_agent_names,
    check_live,
    check_real_latency,
    choose_baseline,
    choose_price_model,
    choose_profile,
    why_no_advisor,
)
from adk_flow.comparison.store import DrawPage, Trial, TrialStore
from adk_flow.comparison.trials import Batch, Bench, make_batch
from adk_flow.comparison.variants import Variants, identify, make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import agents_of
from adk_flow.models.cassette import Cassette, CassetteError, open_cassette
from adk_flow.models.from_env import without_keys
from adk_flow.models.override import override_models
from adk_flow.models.planned.playing import check_keys, check_plans, models_asked
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import describe_uncontrolled
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import CONSTRUCTS, IN_ADK, MEANINGS, Peers
from adk_flow.wiring.source.files import wiring_diff

Engine = Literal["processes", "ray"]
"""What makes trials in several processes: those of this machine, or of a Ray cluster."""
REMOTE = "remote"
_AT_ONCE = 4
_logger = logging.getLogger(__name__)


def compare(
    app: App | str | Path,
    conversations: Mapping[str, Conversation],
    constructs: Sequence[str] = CONSTRUCTS,
    *,
    folder: Path,
    baseline: str = "",
    deep: bool = False,
    trials: int = 1,
    jobs: int | None = None,
    engine: Engine = "processes",
    shard: str = "",
    model: str = "",
    advisor_model: str = "",
    latency: str = "",
    real_latency: bool = False,
    dollars: float | None = None,
    calls: int | None = None,
    cassette: Path | None = None,
    faults: bool = False,
    progress: Callable[[int, int], None] = lambda done, planned: None,
    page: DrawPage | None = None,
    workers: Workers | None = None,
) -> Comparison:
    """Runs each conversation with an app under each construct, and compares.

    Args:
      app: the app, or the path of one as for `adk run`.
      conversations: what to ask, by name.
      constructs: of `CONSTRUCTS`; `remote`, for an app that is given by its path; or `one_by_one`,
        the app's own wiring with nothing at once. Its own wiring, `as_is`, is always compared, as
        the first.
      folder: where logs and results are kept; what is there is not run again.
      baseline: the construct that the others are compared with; by default `as_is`.
      deep: whether agents of specialists are specialists too, in place of their helpers.
      trials: how often to run each.
      jobs: how many conversations run at the same time: controlled ones of an app that is given by
        its path in as many processes, by default as many as pay and as there are cores; others in
        this one, by default 4.
      engine: what makes controlled trials in several processes.
      shard: which share of the trials to make, such as `1/3`; then only those are compared.
      model: name of the model of every agent; empty for the app's own.
      advisor_model: name of the model that `advisor` may ask.
      latency: profile of projected times; `none` for measured ones, empty for what the model calls
        for.
      real_latency: whether a controlled model really takes that time.
      dollars: what live runs may spend, in US dollars.
      calls: how many model calls live runs may make.
      cassette: file of answers: a live model is asked only for what is not there, and only within a
        limit; what it answers is added. Then times are projected by default.
      faults: whether to try each fault of a specialist under each construct, too; then what to ask
        may be left open.
      progress: called with how many trials are there and how many are planned.
      page: draws the page of a trial, which is written to the folder; other processes get it
        pickled.
      workers: processes beside this one, if they were started already.

    Raises:
      AdkFlowError: something that its user can mend; nothing written before is lost.
    """
    if not (conversations or faults):
        raise AdkFlowError("names none; say what to ask", argument="conversations")
    share = read_shard(shard)
    if engine == "ray":
        # An extra: nothing else needs it.
        from adk_flow.comparison.ray_engine import check_cluster

        check_cluster()
    path = str(Path(app).resolve()) if isinstance(app, (str, Path)) else ""
    with without_keys() if cassette else nullcontext():
        app = load_app(app, model)
    names = list(conversations) or [TALK]
    if faults:
        conversations = {**conversations, TALK: choose_talk(app, conversations)}
    asked = _choose_models(app, conversations.values(), constructs, advisor_model)
    profile = choose_profile(latency, not asked.live or cassette is not None)
    if real_latency:
        check_real_latency(profile, asked.live)
    if asked.live:
        if cassette is None and path:  # code may have given its app a client
            check_keys(app, conversations.values())
        check_live(asked.live, dollars, calls, is_kept=cassette is not None)
    slept = profile if real_latency else None
    identity = identify(app, asked.models, slept)
    app = override_models(app, latency=slept, retries=bool(asked.live))
    budget = None if dollars is None and calls is None else Budget(dollars=dollars, calls=calls)
    asks = budget is not None
    kept = open_cassette(cassette, asked.live, asks=asks, limit=budget) if cassette else None
    is_served = path and not kept
    with Peers(path, deep=deep, budget=budget) if is_served else nullcontext() as peers:
        how = {"deep": deep, "peers": peers, "advisor": advisor_model}
        variants = make_variants(app, asked.constructs, **how)
        if asked.no_advice:
            variants.skipped[ADVISOR] = asked.no_advice
        if kept and REMOTE in constructs:
            variants.skipped[REMOTE] = "its process asks models itself, past the cassette"
        setting = Setting(
            app=app.name,
            baseline=choose_baseline(list(variants.apps), baseline),
            pace=profile.name if profile else "",
            slept=real_latency,
            price_model=choose_price_model(profile, not asked.live),
            trials=trials,
            abouts={name: talk.about for name, talk in conversations.items() if talk.about},
            **_described(variants),
        )
        check_agent_names(conversations, [node.name for node in agents_of(app.root_agent)])
        places = {f"conversation {name}": talk for name, talk in conversations.items()}
        check_plans(app, places, variants.apps.values())
        times = trials if asked.live else 1
        talks = plan_faults(conversations[TALK], variants.apps, times) if faults else None
        experiment = Experiment(
            app=path,
            model=model,
            advisor=advisor_model,
            deep=deep,
            constructs=list(variants.apps),
            conversations={name: conversations[name] for name in names},
            slept=slept,
            models=asked.models,
            identity=identity,
            team=variants.team,
            pace=profile,
            setting=setting,
            faults=talks,
        )
        store = TrialStore(folder, identity)
        for name, conversation in conversations.items():
            store.expect(name, conversation)
        with store.alone():
            wired = partial(_wiring, variants.apps, app, variants.apps)
            share.keep(experiment, store, wired, is_whole=not shard)
            making = _Making(experiment, share.share(experiment.all_trials), store, progress)
            if not making.planned:
                number = len(experiment.all_trials)
                _logger.warning("adk-flow: %s has no trials: there are only %d", share, number)
            limits = {"budget": budget, "cassette": kept, "advance": making.advance}
            with closing(Bench(experiment, variants.apps, page=page, **limits)) as bench:
                reason = _why_here(experiment, budget)
                batch = making.make(bench, page, jobs, engine, workers, reason)
    stopped = _what_stopped(budget, kept, any(map(store.find, experiment.trials)))
    if batch.uncontrolled:
        _logger.warning("adk-flow: %s", describe_uncontrolled(batch.uncontrolled))
    use = _use_of(kept) if kept else None
    outcome = experiment.outcome(batch.runs, stopped=stopped, cassette=use)
    return add_wiring(compare_runs(*outcome), lambda names: _wiring(names, app, variants.apps))


class _Asked(NamedTuple):
    """What is compared, and which models that asks."""

    constructs: list[str]
    models: list[str]
    live: list[str]
    """Those of them that answer for money."""
    no_advice: str
    """Why `advisor`, which was asked for, is left out."""


def _choose_models(
    app: App, conversations: Collection[Conversation], constructs: Sequence[str], advisor: str
) -> _Asked:
    models = models_asked(app, conversations)
    live = [name for name in models if name not in KEYLESS_MODELS]
    chosen = dict.fromkeys([AS_IS, *constructs])
    no_advice = why_no_advisor(advisor, bool(live), conversations) if ADVISOR in chosen else ""
    if no_advice:
        del chosen[ADVISOR]
    elif ADVISOR in chosen and advisor:
        models = [*models, advisor]
        live += [advisor] if live else []
    return _Asked([*chosen], models, live, no_advice)


def _described(variants: Variants) -> dict[str, Any]:
    """Gives what a setting says of the constructs."""
    return {
        "skipped": variants.skipped,
        "meanings": {name: MEANINGS[name] for name in variants.apps if name in MEANINGS},
        "in_adk": {name: IN_ADK[name] for name in variants.apps if name in IN_ADK},
        "changes": {name: changes for name, changes in variants.changes.items() if changes},
        "incomplete": variants.incomplete,
        "notes": variants.notes,
    }


def _what_stopped(budget: Budget | None, cassette: Cassette | None, is_any_complete: bool) -> str:
    """Says what limit ended the runs, or which answer they lack; empty for none.

    Raises:
      AdkFlowError: no limit in dollars can hold, or no run is complete.
    """
    if budget and budget.is_blind:
        raise AdkFlowError(
            f"expected, because {budget.unmeasured} reports no tokens, so that no limit in dollars "
            "can hold; the runs that are complete are kept",
            argument="calls",
        )
    if cassette and not cassette.asks:
        if cassette.missing and not is_any_complete:
            raise CassetteError(cassette.complaint, argument="calls")
        return cassette.complaint
    stopped = budget.refused if budget else ""
    if stopped and not is_any_complete:
        raise AdkFlowError(f"{stopped} before any run was complete; give more")
    return stopped


def _use_of(cassette: Cassette) -> CassetteUse:
    """Says what was answered from a cassette, and what an asked model did not answer."""
    complaint = cassette.complaint if cassette.asks else ""
    words = ". ".join(filter(None, (cassette.summary, complaint)))
    return CassetteUse(str(cassette.path), cassette.replayed, cassette.asked, words)


def _wiring(
    names: Iterable[str], app: App, apps: Mapping[str, App]
) -> Iterator[tuple[str, list[str]]]:
    """Says how to wire constructs, or why that cannot be written."""
    for name in names:
        if name in CONSTRUCTS:
            try:
                yield name, wiring_diff(app, apps[name], name)
            except Exception as error:  # whatever an app is made of, its comparison stands
                yield name, [f"cannot be written: {error or type(error).__name__}"]


class _Making:
    """Trials that are planned: how many are there, and what makes the others."""

    def __init__(
        self,
        experiment: Experiment,
        planned: list[Trial],
        store: TrialStore,
        progress: Callable[[int, int], None],
    ) -> None:
        self.planned = planned
        self._experiment, self._store, self._progress = experiment, store, progress
        self._missing = set(filter(store.is_missing, planned))
        """Those that were at first."""
        self._done = len(planned) - len(self._missing)
        if planned:
            self.advance(0)

    def advance(self, number: int) -> None:
        """Notes that so many more are there."""
        self._done += number
        self._progress(self._done, len(self.planned))

    def make(
        self,
        bench: Bench,
        page: DrawPage | None,
        jobs: int | None,
        engine: Engine,
        workers: Workers | None,
        why_here: str,
    ) -> Batch:
        """Makes what is missing, in this process where `why_here` says so, and measures all.

        Raises:
          AdkFlowError: a cluster is wanted for what this process has to make.
        """
        if engine == "ray":
            if why_here:
                raise AdkFlowError(f"is not for {why_here}", argument="engine", value=engine)
            return self._make_on_ray(bench, page, jobs)
        if not why_here and (workers or choose_processes(len(self.planned), jobs) > 1):
            return self._make_beside(bench, page, jobs, workers)
        at_once = jobs or (_AT_ONCE if self._experiment.waits else 1)
        return bench.make(self.planned, self._store, at_once)

    def _make_beside(
        self, bench: Bench, page: DrawPage | None, jobs: int | None, workers: Workers | None
    ) -> Batch:
        """Makes trials in this process and in others."""
        whole, here = Batch({}, set()), partial(bench.make, store=self._store)
        experiment, folder = msgspec.json.encode(self._experiment), self._store.folder.resolve()
        far = partial(make_batch, experiment, folder, page)
        number = choose_processes(len(self.planned), jobs) - 1
        with nullcontext(workers) if workers else Workers(number) as others:
            for batch, is_far in others.make(self.planned, far, here):
                whole.add(batch)
                self.advance(len(self._missing & batch.runs.keys()) if is_far else 0)
        return whole

    def _make_on_ray(self, bench: Bench, page: DrawPage | None, jobs: int | None) -> Batch:
        """Makes what is missing on a Ray cluster, and measures the rest here."""
        # An extra: nothing else needs it, and it takes a second to import.
        from adk_flow.comparison.ray_engine import run_on_ray

        missing = [trial for trial in self.planned if trial in self._missing]
        there = [trial for trial in self.planned if trial not in self._missing]
        whole = bench.make(there, self._store)
        whole.add(run_on_ray(self._experiment, missing, self._store, jobs, page, self.advance))
        return whole


def _why_here(experiment: Experiment, budget: Budget | None) -> str:
    """Says why trials are made in this process; empty if any may make them."""
    if experiment.waits:
        return "runs that wait for a model, which this process makes at the same time"
    if budget:
        return "a budget, which all runs share"
    if "scripted" in experiment.models:
        return "scripted models, whose decisions are used up"
    if REMOTE in experiment.constructs:
        return f"the construct {REMOTE}, whose servers all runs share"
    return "" if experiment.app else "an app that is not given by its path"
