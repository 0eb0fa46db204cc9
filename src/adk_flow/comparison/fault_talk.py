"""The trials of a specialist that fails, with each fault and without, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.fault_matrix import TALK, FaultMatrix, read_cell, why_no_base
from adk_flow.comparison.store import Trial
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FAULT_KINDS, FaultKind


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

    def read(self, runs: Mapping[Trial, RunMetrics], asked_of: str) -> FaultMatrix:
        """Reads the trials that were measured; `asked_of` says whose they are."""
        runs = {trial: runs[trial] for trial in self.trials if trial in runs}
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
