"""What each agent's model requests held of somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from adk_flow.analysis.moves import FlowReader
from adk_flow.analysis.visibility.attribution import Said
from adk_flow.analysis.visibility.canaries import Planted
from adk_flow.analysis.visibility.matching import Found, Kind
from adk_flow.analysis.visibility.scopes import Scopes
from adk_flow.log.schema import Record, Request


class Exposure(msgspec.Struct, frozen=True):
    """Something of somebody else's that an agent's model was shown."""

    agent: str
    source: str
    """`user`, an agent, or a canary by name."""
    kind: Kind
    """`words` said in the conversation, the `request` that it was called with, the `answer` of an
    agent that it called itself, arguments or results of another agent's `tool`, or a `canary`."""
    record: int
    """Index of the first `before_model` record that held it."""
    requests: int
    """How many of the agent's requests held it."""


_Counts = dict[tuple[str, str, Kind], tuple[int, int]]
"""First record and number of requests, by agent, source and kind."""


class Sights:
    """Reads sights off the records, one by one."""

    def __init__(self, texts: Mapping[int, str], planted: Planted) -> None:
        self.flow = FlowReader()
        self.agents: dict[str, None] = {}
        """Agents whose models were asked."""
        self._said, self._scopes, self._planted = Said(texts), Scopes(), planted
        self._seen: _Counts = {}
        self._beyond: _Counts = {}

    @property
    def seen(self) -> list[Exposure]:
        """All that was shown."""
        return list(_sights(self._seen))

    @property
    def beyond(self) -> list[Exposure]:
        """What a called agent was shown of what was said outside its call."""
        return list(_sights(self._beyond))

    def read(self, index: int, record: Record) -> None:
        """Reads the next record."""
        moves = self.flow.read(record)
        self._said.read(record, moves)
        if record.hook == "before_agent":
            self._scopes.begin(record, moves)
        elif record.hook == "before_model" and record.request is not None:
            self._look(index, record, record.request)

    def _look(self, index: int, record: Record, request: Request) -> None:
        agent, activation = record.agent, record.activation
        self.agents[agent] = None
        shown = sorted(found for found in self._words(record, request) if found.source != agent)
        shown += [Found(name, "canary") for name in self._planted.shown_in(request)]
        beyond = [one for one in shown if self._scopes.is_beyond(one, activation)]
        _count(self._seen, index, agent, shown)
        _count(self._beyond, index, agent, beyond)

    def _words(self, record: Record, request: Request) -> set[Found]:
        asked, activation = (
            self._scopes.asked(record.activation),
            self.flow.activations.get(record.activation),
        )
        is_node = activation is not None and activation.cause == "node"
        parts = (self._said.in_part(part, record, asked, is_node) for part in request.parts)
        found = {one for part in parts for one in part}
        return found.union(self._said.in_instruction(request.system, asked))


def _count(counts: _Counts, index: int, agent: str, shown: Iterable[Found]) -> None:
    keys: _Counts = {(agent, found.source, found.kind): (index, 0) for found in shown}
    for key, new in keys.items():
        first, number = counts.get(key, new)
        counts[key] = (first, number + 1)


def _sights(counts: _Counts) -> Iterator[Exposure]:
    return (Exposure(*key, *value) for key, value in counts.items())
