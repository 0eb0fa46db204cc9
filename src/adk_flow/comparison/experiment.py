"""An experiment as data: any process can make its trials, and any can measure them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import msgspec
from msgspec.structs import replace

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.run_metrics import KEYLESS_MODELS, RunMetrics
from adk_flow.comparison.aggregate import CassetteUse, Setting
from adk_flow.comparison.fault_matrix import TALK, FaultMatrix, FaultTalk
from adk_flow.comparison.store import Trial, TrialResult
from adk_flow.scenario.conversation import ALONE, Conversation
from adk_flow.scenario.fault import FAULT_CANARY


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

    def is_of_faults(self, trial: Trial) -> bool:
        """Whether a specialist fails in it, or it is compared with those in which one does."""
        return self.faults is not None and trial.conversation == TALK

    def talk_of(self, trial: Trial) -> Conversation:
        """Gives what is asked in a trial."""
        if self.faults and self.is_of_faults(trial):
            return self.faults.talk
        return self.conversations[trial.conversation]

    def view_of(self, result: TrialResult) -> dict[str, Any]:
        """Gives how a trial is measured, as arguments of `measure_run`."""
        asked, trial = self.talk_of(result.trial), result.trial
        if self.is_of_faults(trial):
            asked = replace(asked, canaries={TALK: FAULT_CANARY} if trial.fault else {})
        if trial.construct in ALONE:
            # Where the lead does all the work there is nobody whom a fact is not for.
            texts = {name: canary.text for name, canary in asked.planted.items()}
            asked = replace(asked, canaries=texts)
        return {
            "construct": trial.construct,
            "conversation": trial.conversation,
            "asked": asked,
            "failed_checks": result.failed_checks,
            "team": self.team,
            "trial": trial.number,
            "pace": None if self.slept else self.pace,
            "price_model": self.setting.price_model,
        }

    def outcome(
        self,
        runs: Mapping[Trial, RunMetrics],
        *,
        stopped: str = "",
        cassette: CassetteUse | None = None,
    ) -> tuple[list[RunMetrics], Setting, FaultMatrix | None]:
        """Gives what `compare_runs` compares; `stopped` says why other trials were not made."""
        asked_of = "a cassette" if cassette else "live runs"
        return (
            [runs[trial] for trial in self.trials if trial in runs],
            replace(self.setting, stopped=stopped, cassette=cassette),
            self.faults.read(runs, asked_of) if self.faults else None,
        )


def plan_trials(constructs: Iterable[str], conversations: Iterable[str], times: int) -> list[Trial]:
    """Orders the trials so that each is made once before any is made again."""
    order = product(range(1, times + 1), conversations, constructs)
    return [Trial(construct, conversation, number) for number, conversation, construct in order]
