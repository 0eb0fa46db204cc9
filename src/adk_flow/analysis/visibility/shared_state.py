"""State keys and artifacts that others than their writer had in view."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from adk_flow.analysis.moves import FlowReader
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


class Crossings:
    """Follows state and artifacts into the view of one agent after another."""

    def __init__(self) -> None:
        self._agents: dict[str, None] = {}
        self._agent_tools: set[str] = set()
        """Calls of AgentTools, which share the state."""
        self._started: dict[int, tuple[int, int, bool]] = {}
        """Whence a nested run was started: run, record, and whether by an AgentTool."""
        self._runs: dict[str, int] = {}
        """Nested runs by the call that started them."""
        self._latest: defaultdict[_Place, dict[str, int]] = defaultdict(dict)
        """As of which record each agent last had a place in view."""
        self._writers: defaultdict[tuple[int, str, str], dict[str, None]] = defaultdict(dict)
        self._views: defaultdict[tuple[Shared, str, str], dict[_Place, int]] = defaultdict(dict)
        """Since which record a key of a writer has been in view, by place."""

    def read(self, index: int, record: Record, flow: FlowReader) -> None:
        """Reads the next record, which `flow` has read before."""
        if record.hook == "before_tool" and record.kind == "agent_tool":
            self._agent_tools.add(record.call)
        elif record.hook == "user_message" and record.parent in flow.activations:
            run, shares = flow.activations[record.parent].run, record.call in self._agent_tools
            self._started[record.run] = (run, index, shares and run < record.run)
            self._runs[record.call] = record.run
        elif record.hook in ("before_agent", "before_model"):
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
        session, shares, since = 0, True, index
        while shares:
            session = run if run in self._started else 0
            yield ("session", session), since
            run, since, shares = self._started.get(run, (0, 0, False))
        yield ("artifacts", session), index

    def _write(self, index: int, record: Record, kind: Shared, keys: Sequence[str]) -> None:
        own, session, *_, artifacts = [place for place, _ in self._places(record.run, index)]
        runs = [self._runs[call] for call in record.responses if call in self._runs]
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
