"""The trials of a specialist that fails, with each fault and without, and what they come to."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.comparison.fault_matrix import TALK, FaultMatrix, read_cell, why_no_base
from adk_flow.comparison.store import KeepRun, Trial, TrialStore
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FAULT_CANARY, FAULT_KINDS, FaultKind


class FaultTalk(msgspec.Struct, frozen=True):
    """One conversation under every construct, without a fault and with each."""

    talk: Conversation
    lead: str
    agent: str
    """The specialist at fault."""
    at_fault: dict[str, str]
    """Who is, by construct; empty for whoever is asked first, where the lead works alone."""
    times: int
    """How often each is asked."""

    @property
    def trials(self) -> list[Trial]:
        """Construct by construct, as_is first."""
        numbers = range(1, self.times + 1)
        faults: list[FaultKind | Literal[""]] = ["", *FAULT_KINDS]
        return [
            Trial(name, TALK, n, kind) for name in self.at_fault for n in numbers for kind in faults
        ]

    def read(self, store: TrialStore, keep: KeepRun, asked_of: str) -> FaultMatrix:
        """Measures the trials that are there; `asked_of` says whose they are."""
        made = filter(store.find, self.trials)
        runs = {trial: self._measure(trial, store, keep) for trial in made}
        plain = ((trial, run) for trial, run in runs.items() if not trial.fault)
        bases = {trial.construct: run for trial, run in plain if trial.number == 1}
        failing = {name: reason for name, run in bases.items() if (reason := why_no_base(run))}
        cells = [
            read_cell(trial.fault, self.at_fault[name], self.lead, run, bases[name])
            for trial, run in runs.items()
            if trial.fault and (name := trial.construct) in bases and name not in failing
        ]
        controlled = all(run.controlled for run in runs.values())
        agent = self.agent or self.lead
        return FaultMatrix(
            agent=agent, controlled=controlled, asked_of=asked_of, cells=cells, failing=failing
        )

    def _measure(self, trial: Trial, store: TrialStore, keep: KeepRun) -> RunMetrics:
        canaries = {TALK: FAULT_CANARY} if trial.fault else {}
        asked = replace(self.talk, canaries=canaries)
        log = store.read(trial)
        run = measure_run(log, construct=trial.construct, conversation=TALK, asked=asked)
        keep(trial, log, run.findings)
        return run
