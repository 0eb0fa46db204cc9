"""A comparison of an app's constructs: every conversation is run under each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

from google.adk.apps import App
from msgspec.structs import replace

from adk_flow._adk import keep_what_is_loaded
from adk_flow.analysis.run_metrics import AS_IS, KEYLESS_MODELS
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.fault_matrix import TALK
from adk_flow.comparison.faults import FaultTrials, choose_talk
from adk_flow.comparison.recommend import choose_constructs
from adk_flow.comparison.scheduler import measure_trials, plan_trials, run_trials
from adk_flow.comparison.spec import (
    check_agent_names,
    check_live,
    check_real_latency,
    choose_baseline,
    choose_price_model,
    choose_profile,
    why_no_advisor,
)
from adk_flow.comparison.store import KeepRun, TrialStore, keep_nothing
from adk_flow.comparison.taping import read_use, taped
from adk_flow.comparison.variants import identify, make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import agents_of
from adk_flow.models.cassette import open_cassette
from adk_flow.models.from_env import without_keys
from adk_flow.models.keys import check_keys
from adk_flow.models.override import override_models
from adk_flow.models.planned.playing import models_asked
from adk_flow.run.app import load_app
from adk_flow.run.virtual_time import run_virtually
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import CONSTRUCTS, IN_ADK, MEANINGS, Peers
from adk_flow.wiring.source.files import wiring_diff

ADVISOR = "advisor"
REMOTE = "remote"


def compare(
    app: App | str | Path,
    conversations: Mapping[str, Conversation],
    constructs: Sequence[str] = CONSTRUCTS,
    *,
    folder: Path,
    baseline: str = "",
    deep: bool = False,
    trials: int = 1,
    jobs: int = 4,
    model: str = "",
    advisor_model: str = "",
    latency: str = "",
    real_latency: bool = False,
    dollars: float | None = None,
    calls: int | None = None,
    cassette: Path | None = None,
    faults: bool = False,
    progress: Callable[[int, int], None] = lambda done, planned: None,
    keep: KeepRun = keep_nothing,
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
      jobs: how many conversations run at the same time.
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
      keep: called with each trial that is there, its log and its findings.

    Raises:
      AdkFlowError: something that its user can mend; nothing written before is lost.
    """
    if not (conversations or faults):
        raise AdkFlowError("names none; say what to ask", argument="conversations")
    path = app if isinstance(app, (str, Path)) else None
    with without_keys() if cassette else nullcontext():
        app = load_app(app, model)
    names = list(conversations) or [TALK]
    if faults:
        conversations = {**conversations, TALK: choose_talk(app, conversations)}
    models = models_asked(app, conversations.values())
    live = [name for name in models if name not in KEYLESS_MODELS]
    profile = choose_profile(latency, not live or cassette is not None)
    if real_latency:
        check_real_latency(profile, live)
    no_advice = why_no_advisor(advisor_model, bool(live), conversations.values())
    chosen = dict.fromkeys([AS_IS, *constructs])
    if ADVISOR in chosen and no_advice:
        del chosen[ADVISOR]
    elif ADVISOR in chosen and advisor_model:
        models = [*models, advisor_model]
        live += [advisor_model] if live else []
    if live:
        if cassette is None:
            check_keys(app, conversations.values())
        check_live(live, dollars, calls, is_kept=cassette is not None)
    slept = profile if real_latency else None
    identity = identify(app, models, slept)
    app = override_models(app, latency=slept, retries=bool(live))
    budget = None if dollars is None and calls is None else Budget(dollars=dollars, calls=calls)
    limits = {"asks": budget is not None, "limit": budget}
    kept = open_cassette(cassette, live, **limits) if cassette else None
    with nullcontext() if path is None or kept else Peers(path, deep=deep, budget=budget) as peers:
        wiring = {"deep": deep, "peers": peers, "advisor": advisor_model}
        variants = make_variants(app, list(chosen), **wiring)
        if ADVISOR in constructs and no_advice:
            variants.skipped[ADVISOR] = no_advice
        if kept and REMOTE in constructs:
            variants.skipped[REMOTE] = "its process asks models itself, past the cassette"
        baseline = choose_baseline(list(variants.apps), baseline)
        check_agent_names(conversations, [node.name for node in agents_of(app.root_agent)])
        store = TrialStore(folder, identity)
        for name, conversation in conversations.items():
            store.expect(name, conversation)
        planned = plan_trials(list(variants.apps), names, trials)
        _warm_up(is_offline=not live)
        options = {"jobs": jobs, "budget": budget, "progress": progress}
        work = run_trials(
            variants.apps, conversations, planned, store, **options, prepare=taped(kept)
        )
        asyncio.run(work)
        faulty = None
        if faults:
            faulty = FaultTrials(conversations[TALK], variants.apps, trials if live else 1)
            trials_of = (variants.apps, conversations, faulty.trials, store)
            work = run_trials(*trials_of, **options, prepare=taped(kept, faulty.prepare))
            asyncio.run(work) if live else run_virtually(work)
    if budget and budget.is_blind:
        raise AdkFlowError(
            f"expected, because {budget.unmeasured} reports no tokens, so that no limit in dollars "
            "can hold; the runs that are complete are kept",
            argument="calls",
        )
    stopped = budget.refused if budget else ""
    if stopped and not any(map(store.find, planned)):
        raise AdkFlowError(f"{stopped} before any run was complete; give more")
    setting = Setting(
        app=app.name,
        baseline=baseline,
        pace=profile.name if profile else "",
        slept=real_latency,
        price_model=choose_price_model(profile, not live),
        trials=trials,
        skipped=variants.skipped,
        meanings={name: MEANINGS[name] for name in variants.apps if name in MEANINGS},
        in_adk={name: IN_ADK[name] for name in variants.apps if name in IN_ADK},
        abouts={name: asked.about for name, asked in conversations.items() if asked.about},
        changes={name: changes for name, changes in variants.changes.items() if changes},
        incomplete=variants.incomplete,
        notes=variants.notes,
        cassette=read_use(kept),
        stopped=stopped,
    )
    runs = measure_trials(
        planned,
        conversations,
        store,
        variants.team,
        keep,
        pace=None if real_latency else profile,
        price_model=setting.price_model,
    )
    asked_of = "a cassette" if kept else "live runs"
    matrix = faulty.read(store, keep, asked_of) if faulty else None
    comparison = compare_runs(runs, setting, matrix)
    comparison.setting = replace(setting, wiring=dict(_wiring(comparison, app, variants.apps)))
    return comparison


def _wiring(
    comparison: Comparison, app: App, apps: Mapping[str, App]
) -> Iterator[tuple[str, list[str]]]:
    """Says how to wire the constructs that are recommended, or why that cannot be written."""
    for name in dict.fromkeys(figures.construct for figures in choose_constructs(comparison)):
        if name in CONSTRUCTS:
            try:
                yield name, wiring_diff(app, apps[name], name)
            except Exception as error:  # whatever an app is made of, its comparison stands
                yield name, [f"cannot be written: {error or type(error).__name__}"]


def _warm_up(*, is_offline: bool) -> None:
    """Spares the first trials what would count as their time."""
    if is_offline and find_spec("wordllama"):
        from adk_flow.models.embedding import embed  # an extra: nothing else here needs it

        embed(["loaded before the clock starts"])
    keep_what_is_loaded()
