"""An experiment as data: any process can make its trials, and any can measure them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import msgspec
from msgspec.structs import replace

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, RunMetrics, measure_run
from adk_flow.comparison.aggregate import CassetteUse, Comparison, Setting, compare_runs
from adk_flow.comparison.fault_talk import FaultTalk
from adk_flow.comparison.store import KeepRun, Trial, TrialStore, keep_nothing
from adk_flow.scenario.conversation import ALONE, Conversation


class Experiment(msgspec.Struct, kw_only=True, frozen=True):
    """What is run, and how it is measured."""

    app: str
    """Where the app lies; empty where it is known to one process only."""
    model: str = ""
    """Model of every agent, by name; empty for the app's own."""
    advisor: str = ""
    deep: bool = False
    constructs: list[str]
    """Those that the app could be wired as."""
    conversations: dict[str, Conversation]
    slept: LatencyProfile | None = None
    """The time that keyless models really take."""
    models: list[str]
    """Those that are asked."""
    identity: dict[str, str]
    team: list[str]
    pace: LatencyProfile | None
    """By which times are projected."""
    setting: Setting
    faults: FaultTalk | None = None
    """The conversation in which a specialist fails, with each fault."""

    @property
    def is_live(self) -> bool:
        """Whether a language model is asked."""
        return not KEYLESS_MODELS.issuperset(self.models)

    @property
    def waits(self) -> bool:
        """Whether trials take time that others can use."""
        return self.is_live or self.slept is not None

    @property
    def trials(self) -> list[Trial]:
        """Those that are compared."""
        return plan_trials(self.constructs, self.conversations, self.setting.trials)

    @property
    def all_trials(self) -> list[Trial]:
        """Those with a fault, too."""
        return list(dict.fromkeys([*self.trials, *(self.faults.trials if self.faults else [])]))

    def compare(
        self,
        store: TrialStore,
        keep: KeepRun = keep_nothing,
        *,
        stopped: str = "",
        cassette: CassetteUse | None = None,
    ) -> Comparison:
        """Compares the trials that are there; `stopped` says why others are not."""
        setting = replace(self.setting, stopped=stopped, cassette=cassette)
        runs = list(self._measure(store, keep))
        asked_of = "a cassette" if cassette else "live runs"
        faults = self.faults.read(store, keep, asked_of) if self.faults else None
        return compare_runs(runs, setting, faults)

    def _measure(self, store: TrialStore, keep: KeepRun) -> Iterator[RunMetrics]:
        for trial in self.trials:
            result = store.find(trial)
            if result is None:
                continue
            asked = self.conversations[trial.conversation]
            if trial.construct in ALONE:
                # Where the lead does all the work there is nobody whom a fact is not for.
                texts = {name: canary.text for name, canary in asked.planted.items()}
                asked = replace(asked, canaries=texts)
            log = store.read(trial)
            run = measure_run(
                log,
                construct=trial.construct,
                conversation=trial.conversation,
                asked=asked,
                failed_checks=result.failed_checks,
                team=self.team,
                trial=trial.number,
                pace=None if self.slept else self.pace,
                price_model=self.setting.price_model,
            )
            keep(trial, log, run.findings)
            yield run


def plan_trials(constructs: Iterable[str], conversations: Iterable[str], times: int) -> list[Trial]:
    """Orders the trials so that each is made once before any is made again."""
    order = product(range(1, times + 1), conversations, constructs)
    return [Trial(construct, conversation, number) for number, conversation, construct in order]
