"""Who was shown what: whose words, and which planted facts, each agent's model requests held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from adk_flow.analysis.trace import Trace
from adk_flow.analysis.visibility.canaries import Planted
from adk_flow.analysis.visibility.exposure import Exposure, Exposures
from adk_flow.analysis.visibility.shared_state import Crossing, trace_shared_state
from adk_flow.log.reader import Log
from adk_flow.log.schema import PREVIEW

if TYPE_CHECKING:
    from adk_flow.scenario.conversation import Canary

__all__ = ["Crossing", "Exposure", "Visibility", "trace_visibility"]


class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """What each agent was shown of the user's, of the others', and of the planted facts."""

    agents: list[str]
    """Agents whose models were asked, in order of appearance."""
    canaries: list[str]
    unseen: list[str]
    """Canaries that occur nowhere in the log, so that nothing is known of them."""
    sights: list[Exposure]
    leaks: list[Exposure]
    """Canaries shown to agents that they are not for, and what a called agent was shown of what
    was said outside its call."""
    crossings: list[Crossing]
    unknown_reason: str = ""
    """Why more may have been shown than is among the sights."""

    @property
    def known(self) -> bool:
        """Whether what is not among the sights was not shown either."""
        return not self.unknown_reason


def trace_visibility(trace: Trace, canaries: Mapping[str, Canary] = {}) -> Visibility:
    """Finds what each agent was shown; a canary is found in any case and spacing."""
    log = trace.log
    planted, exposures = Planted(log.texts, canaries), Exposures(trace)
    exposures.read_all(planted)
    seen = exposures.seen
    shown = [exposure for exposure in seen if exposure.kind == "canary"]
    astray = [exposure for exposure in shown if planted.is_astray(exposure.source, exposure.agent)]
    return Visibility(
        agents=list(exposures.agents),
        canaries=list(canaries),
        unseen=planted.unseen(log),
        sights=seen,
        leaks=[*astray, *exposures.beyond],
        crossings=trace_shared_state(trace),
        unknown_reason=_unknown_reason(log),
    )


def _unknown_reason(log: Log) -> str:
    if log.header.texts != "full":
        return f"recorded with texts={log.header.texts}, so the log does not hold all words"
    if any(record.size and _is_cut(record.text, record.size) for record in log.records):
        return "a part of the log was recorded without all words"
    lost = {"could not be read": len(log.damage), "are missing": log.missing}
    return ", ".join(f"lines of the log that {how}: {n}" for how, n in lost.items() if n)


def _is_cut(text: str, size: int) -> bool:
    return not text or (size > len(text) == PREVIEW + 1 and text.endswith("…"))
