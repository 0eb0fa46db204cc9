"""A comparison of flow logs that exist, which runs nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adk_flow._text import one_line
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, RunMetrics, measure_run
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.spec import choose_baseline, choose_price_model, choose_profile
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import Log, read_log


def compare_logs(paths: Sequence[Path], baseline: str = "", latency: str = "") -> Comparison:
    """Compares flow logs that exist, by construct, or by file where they name none.

    Raises:
      AdkFlowError: one of them cannot be read, or the baseline is none of them.
    """
    if twice := next((path for path in paths if list(paths).count(path) > 1), None):
        raise AdkFlowError(f"{twice}: is given twice")
    logs = [read_log(path) for path in paths]
    controlled = _are_controlled(logs)
    pace = choose_profile(latency, controlled)
    priced_as = choose_price_model(pace, controlled)
    runs = list(_measured(logs, paths, pace=pace, price_model=priced_as))
    _check_shared(runs)
    setting = Setting(
        app=", ".join(dict.fromkeys(run.app for run in runs)),
        baseline=choose_baseline([run.construct for run in runs], baseline),
        trials=max(run.trial for run in runs),
        pace=pace.name if pace else "",
        price_model=priced_as,
    )
    return compare_runs(runs, setting)


def _are_controlled(logs: Sequence[Log]) -> bool:
    models = {record.model for log in logs for record in log.records if record.model}
    return models <= KEYLESS_MODELS


def _measured(logs: Sequence[Log], paths: Sequence[Path], **priced: Any) -> Iterator[RunMetrics]:
    """Measures each log; those of one conversation under one construct are its trials."""
    held: Counter[tuple[str, str]] = Counter()
    for log, path in zip(logs, paths, strict=True):
        construct, conversation = log.header.construct or path.stem, _asked_in(log)
        held[construct, conversation] += 1
        yield measure_run(
            log,
            construct=construct,
            conversation=conversation,
            trial=held[construct, conversation],
            **priced,
        )


def _asked_in(log: Log) -> str:
    """Names the conversation of a log by what the user said."""
    messages = (record for record in log.records if record.hook == "user_message")
    said = [record.text for record in messages if not record.parent]
    first = next(iter(said), "nothing")
    digest = hashlib.blake2b("\0".join(said).encode(errors="replace"), digest_size=2).hexdigest()
    return f"{one_line(first, 32)} ({digest})"


def _check_shared(runs: Sequence[RunMetrics]) -> None:
    """Refuses logs of which no two constructs held the same conversation."""
    constructs = {run.construct for run in runs}
    holders = Counter(
        run.conversation for run in {(r.construct, r.conversation): r for r in runs}.values()
    )
    if len(constructs) > 1 and max(holders.values()) < 2:
        raise AdkFlowError(
            "these logs hold no conversation in common, by what the user said; only the same "
            "conversation can be compared"
        )
