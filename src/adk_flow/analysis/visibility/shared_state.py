"""State keys and artifacts that others than their writer had in view."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from adk_flow.analysis.trace import Trace
from adk_flow.log.schema import Record

Shared = Literal["state", "artifact"]


class Crossing(msgspec.Struct, frozen=True):
    """A state key or an artifact that others than its writer had in view."""

    kind: Shared
    key: str
    writer: str
    reached: list[str]
    """Agents that ran afterwards with it in view."""
    record: int
    """Index of the event that first wrote it."""


_Place = tuple[str, int]
"""What shares a state or artifacts: a `run`, a `session` or the `artifacts` of one, by number."""


def trace_shared_state(trace: Trace) -> list[Crossing]:
    """Follows state and artifacts into the view of one agent after another."""
    crossings = _Crossings(trace)
    for index, record in enumerate(trace.records):
        crossings.read(index, record)
    return crossings.crossed()


class _Crossings:
    """Who had what in view, as far as the records went."""

    def __init__(self, trace: Trace) -> None:
        self._agents: dict[str, None] = {}
        runs = (run for turn in trace.turns for run in turn.runs)
        self._nested = {run.number: run for run in runs if run.parent}
        nested = ((run.parent, run) for run in self._nested.values())
        self._started = {(at.number, run.call_id): run.number for at, run in nested if at}
        """Nested runs by the activation and call that started them."""
        self._latest: defaultdict[_Place, dict[str, int]] = defaultdict(dict)
        """As of which record each agent last had a place in view."""
        self._writers: defaultdict[tuple[int, str, str], dict[str, None]] = defaultdict(dict)
        self._views: defaultdict[tuple[Shared, str, str], dict[_Place, int]] = defaultdict(dict)
        """Since which record a key of a writer has been in view, by place."""

    def read(self, index: int, record: Record) -> None:
        """Reads the next record."""
        if record.hook in ("before_agent", "before_model") and not record.kind.startswith("a2a"):
            self._agents[record.agent] = None
            for place, since in self._places(record.run, index):
                latest = self._latest[place]
                latest[record.agent] = max(since, latest.get(record.agent, since))
        elif record.hook == "event":
            keys = [key for key in record.state if not key.startswith("_adk")]
            self._write(index, record, "state", keys)
            self._write(index, record, "artifact", record.artifacts)

    def _places(self, run: int, index: int) -> Iterator[tuple[_Place, int]]:
        """Gives what an agent of a run has in view, and as of which record.

        An AgentTool hands over the state as it is when its run starts, artifacts live.
        """
        yield ("run", run), index
        nested, since = self._nested.get(run), index
        while True:
            session = nested.number if nested else 0
            yield ("session", session), since
            call = nested.call if nested else None
            if nested is None or not nested.parent or not call or call.kind != "agent_tool":
                break
            nested, since = self._nested.get(nested.parent.run), nested.record
        yield ("artifacts", session), index

    def _write(self, index: int, record: Record, kind: Shared, keys: Sequence[str]) -> None:
        own, session, *_, artifacts = [place for place, _ in self._places(record.run, index)]
        calls = ((record.activation, id) for id in record.responses)
        runs = [self._started[call] for call in calls if call in self._started]
        for key in keys:
            # The event that answers a nested run's call repeats what was written in it.
            nested = [name for run in runs for name in self._writers.get((run, kind, key), ())]
            place = own if key.startswith("temp:") else session
            for writer in nested or [record.agent]:
                self._writers[record.run, kind, key][writer] = None
                view = self._views[kind, key, writer]
                view.setdefault(artifacts if kind == "artifact" else place, index)

    def crossed(self) -> list[Crossing]:
        """Lists what came into the view of others than its writer."""
        crossings = []
        for (kind, key, writer), places in self._views.items():
            reached = {
                agent
                for place, since in places.items()
                for agent, latest in self._latest[place].items()
                if latest > since and agent != writer
            }
            if reached:
                names = [agent for agent in self._agents if agent in reached]
                crossings.append(Crossing(kind, key, writer, names, min(places.values())))
        return crossings
