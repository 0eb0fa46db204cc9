"""A comparison whose models are answered from a cassette."""

from __future__ import annotations

from collections.abc import Callable

from google.adk.apps import App

from adk_flow.comparison.aggregate import CassetteUse
from adk_flow.comparison.store import Trial
from adk_flow.models.cassette import Cassette, CassetteError, Tape
from adk_flow.models.override import override_models

Prepare = Callable[[App, Trial], App]


def taped(cassette: Cassette | None, prepare: Prepare = lambda app, trial: app) -> Prepare:
    """Has the apps of trials answered from a cassette, each trial from answers of its own."""
    if cassette is None:
        return prepare

    def prepare_taped(app: App, trial: Trial) -> App:
        under = " with ".join(filter(None, (trial.construct, trial.fault)))
        tape = Tape(cassette, trial.number, f"{trial.conversation} under {under}")
        return override_models(prepare(app, trial), tape=tape)

    return prepare_taped


def read_use(cassette: Cassette | None) -> CassetteUse | None:
    """Says what was answered from a cassette.

    Raises:
      CassetteError: it lacks an answer that nothing may be asked for.
    """
    if cassette is None:
        return None
    if cassette.missing and not cassette.asks:
        raise CassetteError(cassette.complaint, argument="calls")
    words = ". ".join(filter(None, (cassette.summary, cassette.complaint)))
    return CassetteUse(str(cassette.path), cassette.replayed, cassette.asked, words)
