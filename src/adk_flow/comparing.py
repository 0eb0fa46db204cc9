"""The two ways to a comparison: an app held under constructs, and logs that exist."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from adk_flow.compare import Comparison, Setting, compare
from adk_flow.conversation import Conversation, read_conversation
from adk_flow.log import Log, read_log
from adk_flow.measured_run import CONTROLLED_MODELS, MeasuredRun, measure_run
from adk_flow.pace import DEFAULT_PACE, Pace, pace_named
from adk_flow.prices import is_priced
from adk_flow.problem import Problem
from adk_flow.results import Results
from adk_flow.startup import keep_what_is_loaded
from adk_flow.views.plain import one_line


class Wanted(NamedTuple):
    """What a comparison is asked for."""

    constructs: Sequence[str]
    conversations: Mapping[str, Conversation]
    baseline: str
    trials: int = 1
    jobs: int = 4
    model: str = ""
    """Name of the model of every agent; empty for the app's own."""
    latency: str = ""
    """Profile of projected times; `none` for measured ones, empty for what the model calls for."""
    sleep: bool = False
    dollars: float | None = None
    calls: int | None = None


def compare_app(
    path: Path, wanted: Wanted, folder: Path, told: Callable[[int, int], None]
) -> Comparison:
    """Holds each conversation with an app under each construct, and compares.

    Args:
      path: the app, as for `adk run`.
      wanted: what to hold.
      folder: where logs and results are kept; what is there is not run again.
      told: called with how many trials are there and how many are wanted.

    Raises:
      Problem: something that its user can mend; nothing written before is lost.
    """
    # ADK takes seconds to import, which a comparison of logs need not wait for.
    from adk_flow.application import load_application
    from adk_flow.budget import Budget
    from adk_flow.models.embedding import embed
    from adk_flow.models.given import is_controlled, models_of, set_model, set_pace, set_retries
    from adk_flow.rewiring import identity_of, rewired
    from adk_flow.tree import agents_of
    from adk_flow.trials import measured, planned, run_trials
    from adk_flow.wiring import WiringError

    app = load_application(path)
    if wanted.model:
        from adk_flow.models.choice import model_named

        set_model(app, model_named(wanted.model))
    controlled = is_controlled(app)
    pace = _pace(wanted.latency, controlled)
    if wanted.sleep and not pace:
        raise Problem("--sleep: needs a pace; take --latency PROFILE")
    slept = pace if wanted.sleep else None
    if not controlled:
        _check_live(wanted, models_of(app))
        set_retries(app)
    identity = identity_of(app, slept)
    if controlled:
        embed(["loaded before the clock starts"])
    keep_what_is_loaded()
    if slept:
        set_pace(app, slept)
    try:
        line_up = rewired(app, wanted.constructs)
    except WiringError as error:
        raise Problem(f"{error}; --constructs as_is,one_by_one needs no rewiring") from error
    baseline = _baseline(wanted.baseline, list(line_up.apps))
    nodes = agents_of(app.root_agent) if app.root_agent is not None else ()
    _check_names(wanted.conversations, [node.name for node in nodes])
    results = Results(folder, identity)
    for name, conversation in wanted.conversations.items():
        results.expect(name, conversation)
    trials = list(planned(list(line_up.apps), list(wanted.conversations), wanted.trials))
    missing = sum(map(results.lacks, trials))
    made = len(trials) - missing
    told(made, len(trials))

    def tell() -> None:
        nonlocal made
        made += 1
        told(made, len(trials))

    limit = wanted.dollars is not None or wanted.calls is not None
    budget = Budget(dollars=wanted.dollars, calls=wanted.calls) if limit else None
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
    price_model = _price_model(pace, controlled)
    if budget and budget.refused and not any(map(results.find, trials)):
        raise Problem(f"{budget.refused} before any run was complete; give more")
    runs = measured(
        trials,
        wanted.conversations,
        results,
        line_up.team,
        pace=None if slept else pace,
        price_model=price_model,
    )
    setting = Setting(
        app=app.name,
        baseline=baseline,
        pace=pace.name if pace else "",
        slept=wanted.sleep,
        price_model=price_model,
        trials=wanted.trials,
        skipped=line_up.skipped,
        left_out=line_up.left_out,
        stopped=budget.refused if budget else "",
    )
    return compare(runs, setting)


def _check_names(conversations: Mapping[str, Conversation], known: Sequence[str]) -> None:
    """Refuses a conversation that names an agent which the app does not have."""
    for name, conversation in conversations.items():
        named = [one for turn in conversation.turns for one in turn.specialists]
        named += [one for canary in conversation.planted.values() for one in canary.only]
        if stranger := next((one for one in named if one not in known), ""):
            raise Problem(
                f"conversation {name}: the app has no agent {stranger!r}; there are "
                f"{', '.join(dict.fromkeys(known))}"
            )


def _check_live(wanted: Wanted, models: Sequence[str]) -> None:
    """Refuses a live comparison that nothing limits, or whose limit cannot be kept."""
    named = ", ".join(models)
    if wanted.sleep:
        raise Problem(f"--sleep: is for controlled runs; {named} takes its own time")
    if wanted.dollars is None and wanted.calls is None:
        raise Problem(
            f"{named} is a live model: say what the comparison may spend, with --budget DOLLARS "
            "or --max-calls NUMBER; or take --model offline"
        )
    unknown = [model for model in models if not is_priced(model)]
    if wanted.dollars is not None and unknown:
        raise Problem(
            f"--budget: LiteLLM's table has no price for {unknown[0]} (or LiteLLM is not "
            "installed); take --max-calls NUMBER"
        )


def _pace(name: str, controlled: bool) -> Pace | None:
    """Finds a latency profile; by default a controlled run has one, and a live one its own time."""
    if name == "none" or not (name or controlled):
        return None
    return pace_named(name or DEFAULT_PACE)


def _price_model(pace: Pace | None, controlled: bool) -> str:
    """Names the model at whose price a controlled run's tokens are priced."""
    if not controlled:
        return ""
    named = pace.name if pace and is_priced(pace.name) else DEFAULT_PACE
    return named if is_priced(named) else ""


def compare_logs(paths: Sequence[Path], baseline: str, latency: str) -> Comparison:
    """Compares flow logs that exist, by construct, or by file where they name none.

    Raises:
      Problem: one of them cannot be read, or the baseline is none of them.
    """
    if twice := next((path for path in paths if list(paths).count(path) > 1), None):
        raise Problem(f"{twice}: is given twice")
    logs = [read_log(path) for path in paths]
    models = {record.model for log in logs for record in log.records if record.model}
    pace = _pace(latency, models <= CONTROLLED_MODELS)
    price_model = _price_model(pace, models <= CONTROLLED_MODELS)
    held: Counter[tuple[str, str]] = Counter()
    runs = []
    for log, path in zip(logs, paths, strict=True):
        construct, conversation = log.header.construct or path.stem, _asked_in(log)
        held[construct, conversation] += 1
        run = measure_run(
            log,
            construct=construct,
            conversation=conversation,
            trial=held[construct, conversation],
            pace=pace,
            price_model=price_model,
        )
        runs.append(run)
    _check_shared(runs)
    setting = Setting(
        app=", ".join(dict.fromkeys(run.app for run in runs)),
        baseline=_baseline(baseline, [run.construct for run in runs]),
        trials=max(held.values()),
        pace=pace.name if pace else "",
        price_model=price_model,
    )
    return compare(runs, setting)


def _asked_in(log: Log) -> str:
    """Names the conversation of a log by what the user said."""
    messages = (record for record in log.records if record.hook == "user_message")
    said = [record.text for record in messages if not record.caller]
    first = next(iter(said), "nothing")
    digest = hashlib.blake2b("\0".join(said).encode(errors="replace"), digest_size=2).hexdigest()
    return f"{one_line(first, 32)} ({digest})"


def _check_shared(runs: Sequence[MeasuredRun]) -> None:
    """Refuses logs of which no two constructs held the same conversation."""
    constructs = {run.construct for run in runs}
    holders = Counter(
        run.conversation for run in {(r.construct, r.conversation): r for r in runs}.values()
    )
    if len(constructs) > 1 and max(holders.values()) < 2:
        raise Problem(
            "these logs hold no conversation in common, by what the user said; only the same "
            "conversation can be compared"
        )


def _baseline(wanted: str, names: Sequence[str]) -> str:
    """Checks the baseline; by default it is the first.

    Raises:
      Problem: it is none of those compared.
    """
    if wanted and wanted not in names:
        raise Problem(f"--baseline {wanted}: is not compared; there are {', '.join(names)}")
    return wanted or names[0]


def constructs_named(text: str) -> list[str]:
    """Reads a list of constructs, `all` for all of them.

    Raises:
      Problem: one is unknown, or ADK is too old for any.
    """
    from adk_flow.releases import check_constructs

    check_constructs()
    from adk_flow.rewiring import KNOWN
    from adk_flow.wiring import CONSTRUCTS

    names: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name not in ("all", *KNOWN):
            raise Problem(f"--constructs {name}: unknown; known are all, {', '.join(KNOWN)}")
        names += CONSTRUCTS if name == "all" else [name]
    if not names:
        raise Problem("--constructs: names none; take all, or names with commas between")
    return list(dict.fromkeys(names))


def conversations_in(paths: Sequence[Path]) -> dict[str, Conversation]:
    """Reads conversation files, and those of folders, by the name of the file.

    Raises:
      Problem: there is none, two have the same name, or one does not fit.
    """
    found: dict[str, Conversation] = {}
    for path in paths:
        files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        if not files:
            raise Problem(f"{path}: holds no conversation (*.yaml)")
        for file in files:
            if file.stem in found:
                raise Problem(f"{file}: there is another conversation named {file.stem}")
            found[file.stem] = read_conversation(file)
    return found
