"""A comparison of an app's constructs: every conversation is held under each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from google.adk.apps import App

from adk_flow._startup import keep_what_is_loaded
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.scheduler import measure_trials, plan_trials, run_trials
from adk_flow.comparison.spec import (
    ComparisonSpec,
    check_live,
    check_names,
    check_sleep,
    choose_baseline,
    choose_price_model,
    choose_profile,
)
from adk_flow.comparison.store import Trial, TrialStore
from adk_flow.comparison.variants import Variants, identify, make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import agents_of
from adk_flow.models.embedding import embed
from adk_flow.models.override import is_controlled, models_of, override_models
from adk_flow.run.app import load_app
from adk_flow.wiring import WiringError

__all__ = ["ComparisonSpec", "compare"]


class _Subject(NamedTuple):
    """An app that is ready to be rewired."""

    app: App
    controlled: bool
    """Whether every agent runs on a model that decides the same way each time."""
    pace: LatencyProfile | None
    """What times are projected to, or slept at; None for times as measured."""
    identity: dict[str, str]
    """What makes runs of it comparable."""


def compare(
    path: Path, wanted: ComparisonSpec, folder: Path, told: Callable[[int, int], None]
) -> Comparison:
    """Holds each conversation with an app under each construct, and compares.

    Args:
      path: the app, as for `adk run`.
      wanted: what to hold.
      folder: where logs and results are kept; what is there is not run again.
      told: called with how many trials are there and how many are wanted.

    Raises:
      AdkFlowError: something that its user can mend; nothing written before is lost.
    """
    subject = _loaded(path, wanted)
    _warm_up(subject)
    line_up = _line_up(subject.app, wanted.constructs)
    baseline = choose_baseline(list(line_up.apps), wanted.baseline)
    check_names(wanted.conversations, _names(subject.app))
    results = _results(folder, subject.identity, wanted)
    trials = list(plan_trials(list(line_up.apps), list(wanted.conversations), wanted.trials))
    stopped = _hold(line_up, wanted, trials, results, told)
    setting = _setting(subject, wanted, line_up, baseline, stopped)
    runs = measure_trials(
        trials,
        wanted.conversations,
        results,
        line_up.team,
        pace=None if wanted.sleep else subject.pace,
        price_model=setting.price_model,
    )
    return compare_runs(runs, setting)


def _loaded(path: Path, wanted: ComparisonSpec) -> _Subject:
    """Loads the app, on the model that is wanted; refuses what its model does not allow."""
    app = load_app(path, wanted.model)
    controlled = is_controlled(app)
    pace = choose_profile(wanted.latency, controlled)
    check_sleep(wanted, pace)
    if not controlled:
        check_live(wanted, models_of(app))
        app = override_models(app, retries=True)
    identity = identify(app, pace if wanted.sleep else None)
    if wanted.sleep:
        app = override_models(app, latency=pace)
    return _Subject(app, controlled, pace, identity)


def _warm_up(subject: _Subject) -> None:
    """Spares the first trials what would count as their time."""
    if subject.controlled:
        embed(["loaded before the clock starts"])
    keep_what_is_loaded()


def _line_up(app: App, constructs: Sequence[str]) -> Variants:
    try:
        return make_variants(app, constructs)
    except WiringError as error:
        raise AdkFlowError(f"{error}; as_is and one_by_one need no rewiring") from error


def _names(app: App) -> list[str]:
    return [node.name for node in agents_of(app.root_agent)] if app.root_agent is not None else []


def _results(folder: Path, identity: Mapping[str, str], wanted: ComparisonSpec) -> TrialStore:
    """Opens the folder; what is there must have been made of the same."""
    results = TrialStore(folder, identity)
    for name, conversation in wanted.conversations.items():
        results.expect(name, conversation)
    return results


def _hold(
    line_up: Variants,
    wanted: ComparisonSpec,
    trials: Sequence[Trial],
    results: TrialStore,
    told: Callable[[int, int], None],
) -> str:
    """Makes the trials that are missing; gives why not all of them, or nothing."""
    tell = _counting(trials, results, told)
    budget = _budget(wanted)
    with results.alone():
        asyncio.run(
            run_trials(
                line_up.apps,
                wanted.conversations,
                trials,
                results,
                jobs=wanted.jobs,
                budget=budget,
                told=tell,
            )
        )
    stopped = budget.refused if budget else ""
    if stopped and not any(map(results.find, trials)):
        raise AdkFlowError(f"{stopped} before any run was complete; give more")
    return stopped


def _counting(
    trials: Sequence[Trial], results: TrialStore, told: Callable[[int, int], None]
) -> Callable[[], None]:
    """Tells how many trials are there, now and each time that one more is."""
    made = count(len(trials) - sum(map(results.is_missing, trials)))

    def tell() -> None:
        told(next(made), len(trials))

    tell()
    return tell


def _budget(wanted: ComparisonSpec) -> Budget | None:
    if wanted.dollars is None and wanted.calls is None:
        return None
    return Budget(dollars=wanted.dollars, calls=wanted.calls)


def _setting(
    subject: _Subject, wanted: ComparisonSpec, line_up: Variants, baseline: str, stopped: str
) -> Setting:
    return Setting(
        app=subject.app.name,
        baseline=baseline,
        pace=subject.pace.name if subject.pace else "",
        slept=wanted.sleep,
        price_model=choose_price_model(subject.pace, subject.controlled),
        trials=wanted.trials,
        skipped=line_up.skipped,
        left_out=line_up.left_out,
        lost_tools=line_up.lost_tools,
        stopped=stopped,
    )
