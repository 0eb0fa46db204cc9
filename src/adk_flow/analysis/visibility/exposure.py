"""What each agent's model requests held of somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from adk_flow._data import group_by
from adk_flow.analysis.moves import Move
from adk_flow.analysis.trace import Activation, ToolCall, Trace
from adk_flow.analysis.visibility.attribution import Said
from adk_flow.analysis.visibility.canaries import Planted
from adk_flow.analysis.visibility.matching import ExposureKind, Found, key_of
from adk_flow.log.schema import Record, Request


class Exposure(msgspec.Struct, frozen=True):
    """Something of somebody else's that an agent's model was shown."""

    agent: str
    source: str
    """`user`, an agent, or a canary by name."""
    kind: ExposureKind
    """`words` said in the conversation, the `request` that it was called with, the `answer` of an
    agent that it called itself, arguments or results of another agent's `tool`, or a `canary`."""
    record: int
    """Index of the first `before_model` record that held it, or event of a remote agent."""
    requests: int
    """How many of the agent's requests held it."""


_Counts = dict[tuple[str, str, ExposureKind], tuple[int, int]]
"""First record and number of requests, by agent, source and kind."""


class _Scopes:
    """Follows calls of agents, activation by activation."""

    def __init__(self) -> None:
        self._requests: dict[ToolCall, dict[str, str]] = {}
        """Who asked what, by call; a task agent's lasts over several turns."""
        self._members: defaultdict[ToolCall | None, set[str]] = defaultdict(set)
        self._addressed: set[tuple[ToolCall | None, str]] = set()
        """The user's words to a task agent that holds the turn, by its call."""

    def begin(self, activation: Activation, moves: Sequence[Move]) -> None:
        """Notes what an activation was called with."""
        scope = activation.scope
        if scope is not None and scope.kind == "node_tool":
            self._requests[scope] = {key_of(scope.text): scope.agent}
        for move in moves:
            if move.kind == "ask" and scope is not None:
                self._requests[scope] = {key_of(move.text): move.source}
            elif move.kind == "say":
                self._addressed.add((scope, key_of(move.text)))
        self._members[scope].add(activation.agent)

    def asked(self, activation: Activation | None) -> Mapping[str, str]:
        """Gives who asked an agent what, by the key of the words."""
        scope = activation.scope if activation else None
        return self._requests.get(scope, {}) if scope else {}

    def is_beyond(self, found: Found, activation: Activation | None) -> bool:
        """Whether a called agent is shown what was said outside its call."""
        scope = activation.scope if activation else None
        is_inside = found.source in self._members[scope] or (scope, found.key) in self._addressed
        return bool(scope) and found.kind in ("words", "tool") and not is_inside


class Exposures:
    """Reads off a trace what each model request held of somebody else's."""

    def __init__(self, trace: Trace) -> None:
        self.agents: dict[str, None] = {}
        """Agents whose models were asked."""
        self._trace = trace
        self._said, self._scopes = Said(trace.log.texts), _Scopes()
        self._seen: _Counts = {}
        self._beyond: _Counts = {}

    @property
    def seen(self) -> list[Exposure]:
        """All that was shown."""
        return list(_exposures(self._seen))

    @property
    def beyond(self) -> list[Exposure]:
        """What a called agent was shown of what was said outside its call."""
        return list(_exposures(self._beyond))

    def read_all(self, planted: Planted) -> None:
        """Goes through what was said, asked and shown, in order."""
        for index, record, request, activation in self.requests():
            agent = record.agent
            self.agents[agent] = None
            parts = self.sources(record, request, activation)
            shown = sorted({found for part in parts for found in part if found.source != agent})
            shown += [Found(name, "canary") for name in planted.shown_in(request)]
            beyond = [found for found in shown if self._scopes.is_beyond(found, activation)]
            _count(self._seen, index, agent, shown)
            _count(self._beyond, index, agent, beyond)

    def requests(self) -> Iterator[tuple[int, Record, Request, Activation | None]]:
        """Gives each request with the index of its record, once all that came before is read."""
        moves = group_by(self._trace.moves, lambda move: move.record)
        for index, record in enumerate(self._trace.records):
            self._said.read(record, moves.get(index, ()))
            activation = self._trace.activations.get(record.activation)
            if record.hook == "before_agent" and activation and activation.began == index:
                self._scopes.begin(activation, moves.get(index, ()))
            elif record.hook in ("before_model", "event") and record.request is not None:
                yield index, record, record.request, activation

    def sources(
        self, record: Record, request: Request, activation: Activation | None
    ) -> list[list[Found]]:
        """Finds whose words each part of a request is, and last what its instruction holds."""
        asked = self._scopes.asked(activation)
        is_node = activation is not None and activation.cause == "node"
        parts = [self._said.in_part(part, record, asked, is_node) for part in request.parts]
        return [*parts, self._said.in_instruction(request.system, asked)]


def attribute_requests(trace: Trace) -> dict[int, list[list[Found]]]:
    """Finds, by record of a request, whose words each of its parts is; last its instruction."""
    exposures = Exposures(trace)
    return {
        index: exposures.sources(record, request, activation)
        for index, record, request, activation in exposures.requests()
    }


def _count(counts: _Counts, index: int, agent: str, shown: Iterable[Found]) -> None:
    keys: _Counts = {(agent, found.source, found.kind): (index, 0) for found in shown}
    for key, new in keys.items():
        first, number = counts.get(key, new)
        counts[key] = (first, number + 1)


def _exposures(counts: _Counts) -> Iterator[Exposure]:
    return (Exposure(*key, *value) for key, value in counts.items())
