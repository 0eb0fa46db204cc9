"""Who was shown what: whose words, and which planted facts, each agent's model requests held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from adk_flow.analysis.trace import Trace
from adk_flow.analysis.visibility.canaries import Planted
from adk_flow.analysis.visibility.exposure import AttributedRequest, Exposure, attribute_requests
from adk_flow.analysis.visibility.matching import Attribution, ExposureKind
from adk_flow.analysis.visibility.shared_state import Crossing, trace_shared_state
from adk_flow.log.schema import PREVIEW

if TYPE_CHECKING:
    from adk_flow.scenario.conversation import Canary


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
    log, planted = trace.log, Planted(trace.log.texts, canaries)
    agents: dict[str, None] = {}
    seen, beyond = _Exposures(list), _Exposures(list)
    for request in attribute_requests(trace):
        agents[request.agent] = None
        held = [Attribution(name, "canary") for name in planted.shown_in(request.request)]
        _note(seen, request, [*request.shown, *held])
        _note(beyond, request, request.beyond)
    sights = _listed(seen)
    shown = [sight for sight in sights if sight.kind == "canary"]
    astray = [sight for sight in shown if planted.is_astray(sight.source, sight.agent)]
    return Visibility(
        agents=list(agents),
        canaries=list(canaries),
        unseen=planted.unseen(log),
        sights=sights,
        leaks=[*astray, *_listed(beyond)],
        crossings=trace_shared_state(trace),
        unknown_reason=_unknown_reason(trace),
    )


_Exposures = defaultdict[tuple[str, str, ExposureKind], list[int]]
"""Records of requests, by agent, source and kind."""


def _note(exposures: _Exposures, request: AttributedRequest, shown: Iterable[Attribution]) -> None:
    for words in shown:
        records = exposures[request.agent, words.source, words.kind]
        if request.record not in records[-1:]:
            records.append(request.record)


def _listed(exposures: _Exposures) -> list[Exposure]:
    return [Exposure(*key, records[0], len(records)) for key, records in exposures.items()]


def _unknown_reason(trace: Trace) -> str:
    log = trace.log
    if log.header.texts != "full":
        return f"recorded with texts={log.header.texts}, so the log does not hold all words"
    if any(record.size and _is_cut(record.text, record.size) for record in log.records):
        return "a part of the log was recorded without all words"
    requests = (record.request for record in log.records if record.request)
    if count := sum(request.stateful for request in requests):
        return f"requests that go on from what the model's provider holds: {count}"
    if names := {each.agent for each in trace.activations.values() if each.asks_elsewhere}:
        return f"agents that ask models past ADK: {', '.join(sorted(names))}"
    lost = {"could not be read": len(log.damage), "are missing": log.missing}
    return ", ".join(f"lines of the log that {how}: {n}" for how, n in lost.items() if n)


def _is_cut(text: str, size: int) -> bool:
    return not text or (size > len(text) == PREVIEW + 1 and text.endswith("…"))
