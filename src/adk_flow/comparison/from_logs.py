"""A comparison of flow logs that exist, which runs nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adk_flow._data import digest_of
from adk_flow._text import one_line, plural
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, RunMetrics, measure_run
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.fault_logs import WATCHED, find_fault, read_matrix
from adk_flow.comparison.spec import choose_baseline, choose_price_model, choose_profile
from adk_flow.comparison.store import DrawPage, Folder, Trial, page_name
from adk_flow.errors import AdkFlowError
from adk_flow.log.parts import read_sessions
from adk_flow.log.reader import Log
from adk_flow.log.story import join_all
from adk_flow.scenario.fault import FaultKind


def compare_logs(
    paths: Sequence[Path],
    baseline: str = "",
    latency: str = "",
    *,
    faults: bool = False,
    folder: Path | None = None,
    page: DrawPage | None = None,
) -> Comparison:
    """Compares sessions by their logs, by construct, or by file where they name none.

    Those that hold a fault are told of where `faults` asks for it, and else left out. `page` draws
    the page of each into `folder`.

    Raises:
      AdkFlowError: one of them cannot be read, or the baseline is none of them.
    """
    if twice := next((path for path in paths if list(paths).count(path) > 1), None):
        raise AdkFlowError(f"{twice}: is given twice")
    logs = join_all(list(read_sessions(paths)))
    models = {record.model for log in logs for record in log.records if record.model}
    is_controlled = models <= KEYLESS_MODELS
    pace = choose_profile(latency, is_controlled)
    price_model = choose_price_model(pace, is_controlled)
    at_fault = [find_fault(log, hangs=faults) for log in logs]
    pages = Folder(folder) if folder else None
    measured = []
    for trial, trace, run in _measured(logs, at_fault, pace=pace, price_model=price_model):
        measured.append(run)
        if pages and page and (name := page_name(trial)):
            pages.write(name, page(trace, run))
    runs = [run for run, fault in zip(measured, at_fault, strict=True) if not fault]
    faulty = [(*fault, run) for run, fault in zip(measured, at_fault, strict=True) if fault]
    matrix = read_matrix(faulty, runs) if faults else None
    if not runs:
        raise AdkFlowError("each of these logs holds a fault; name one without, too")
    _check_shared(runs)
    left_out = f"{plural(len(faulty), 'log')} left out, in which an agent fails on purpose."
    setting = Setting(
        app=", ".join(dict.fromkeys(run.app for run in runs)),
        baseline=choose_baseline([run.construct for run in runs], baseline),
        trials=max(run.trial for run in runs),
        pace=pace.name if pace else "",
        price_model=price_model,
        notes=[left_out] if faulty and not faults else [],
    )
    return compare_runs(runs, setting, matrix)


def _measured(
    logs: Sequence[Log],
    faults: Sequence[tuple[FaultKind, str] | None],
    **priced: Any,
) -> Iterator[tuple[Trial, Trace, RunMetrics]]:
    """Measures each log; those of one conversation under one construct are its trials."""
    trials: Counter[tuple[object, str, str]] = Counter()
    for log, fault in zip(logs, faults, strict=True):
        construct = log.header.construct or Path(log.path).stem
        conversation = _conversation_of(log)
        trials[fault, construct, conversation] += 1
        trial = trials[fault, construct, conversation]
        names = {"construct": construct, "conversation": conversation, "trial": trial}
        trace = trace_log(log)
        run = measure_run(trace, **names, **priced, asked=WATCHED if fault else None)
        yield Trial(construct, conversation, trial, fault[0] if fault else ""), trace, run


def _conversation_of(log: Log) -> str:
    """Names the conversation of a log by what the user said."""
    messages = (record for record in log.records if record.hook == "user_message")
    said = [record.text for record in messages if not record.parent]
    digest = digest_of("\0".join(said), 2)
    return f"{one_line(next(iter(said), 'nothing'), 32)} ({digest})"


def _check_shared(runs: Sequence[RunMetrics]) -> None:
    """Refuses logs of which no two constructs had the same conversation."""
    constructs = {run.construct for run in runs}
    shared = Counter(name for name, _ in {(run.conversation, run.construct) for run in runs})
    if len(constructs) > 1 and max(shared.values()) < 2:
        raise AdkFlowError(
            "these logs hold no conversation in common, by what the user said; only the same "
            "conversation can be compared"
        )
