"""Logs of agents that asked each other over A2A, put together as one.

A message to an A2A server begins a run there, whose session is the context that the client is told.
In the joined log, the agent that stands for the server began that run, and is one with the agent of
its name there; what the client only heard of it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from adk_flow.log.parts import group_by_session, join_losses, join_parts, merge, number_apart
from adk_flow.log.peers import Ask, Served, asks_in, first_side, match_asks, served_in, sides_from
from adk_flow.log.reader import Log, LogError
from adk_flow.log.schema import AGENT_CALLS, FunctionCall, Record

_OF_RUN = frozenset({"session_change", "user_message", "before_run", "after_run", "run_error"})
_OF_AGENT = frozenset({"before_agent", "after_agent", "agent_error"})


def join_logs(named: Sequence[Log], others: Sequence[Log] = ()) -> Log:
    """Puts logs together: the parts of a session, and those of the servers that it asked.

    Raises:
      LogError: one that is named does not belong to the first; of `others` only what does is taken.
    """
    if len(named) == 1 and not others:
        return named[0]
    matched = _match([*named, *others])
    side_of = {id(log): side for side, parts in enumerate(matched.sessions) for log in parts}
    first = first_side(side_of[id(named[0])], matched.served)
    joined = sides_from(first, matched.asks)
    for log in named:
        if side_of[id(log)] not in joined:
            raise LogError(
                f"{log.path}: is of another session than {named[0].path}, and as far as the logs "
                "tell neither side asked the other over A2A"
            )
    return matched.join(joined)


def join_all(logs: Sequence[Log]) -> list[Log]:
    """Puts each session's log together with those of the servers that it asked."""
    if not any(record.kind == "a2a" for log in logs for record in log.records):
        return [*logs]
    matched = _match(logs)
    asked = {run.side for run in matched.served if run.ask}
    firsts = [side for side in range(len(matched.whole)) if side not in asked]
    return [matched.join(sides_from(first, matched.asks)) for first in firsts]


class _Matched(NamedTuple):
    """Sessions, and who of them asked whom."""

    sessions: list[list[Log]]
    whole: list[Log]
    sides: list[Log]
    """Those with numbers of their own."""
    asks: list[Ask]
    served: list[Served]

    def join(self, joined: Sequence[int]) -> Log:
        """Puts sides together, of which the first asked the others."""
        first = joined[0]
        if [*joined] == [first]:
            return self.whole[first]
        names, sides = _names(joined, self.sides, self.served), self.sides
        parts = [
            _Side(sides[side], side, self.asks, self.served, names[side]).records()
            for side in joined
        ]
        records = merge(parts)
        damage, gaps = join_losses([sides[side] for side in joined], records)
        return sides[first]._replace(
            records=records,
            texts={number: text for side in joined for number, text in sides[side].texts.items()},
            damage=damage,
            gaps=gaps,
        )


def _match(logs: Sequence[Log]) -> _Matched:
    sessions = [[*parts] for parts in group_by_session(logs)]
    whole = [join_parts(parts) for parts in sessions]
    sides = number_apart(whole)
    asks = [ask for side, log in enumerate(sides) for ask in asks_in(side, log)]
    served = [run for side, log in enumerate(sides) for run in served_in(side, log)]
    match_asks(asks, served)
    return _Matched(sessions, whole, sides, asks, served)


def _names(
    joined: Sequence[int], sides: Sequence[Log], served: Sequence[Served]
) -> dict[int, dict[str, str]]:
    """Names agents, by log, where another server has one of the same name, or the client has."""
    names: dict[int, dict[str, str]] = {}
    owners: dict[str, str] = {}
    for side in joined:
        names[side] = shown = {}
        server = ""
        for run in served:
            if run.side == side and run.ask:
                is_same = run.agent == run.ask.agent
                its_names = names.get(run.ask.side, {})
                run.ask.agent = server = its_names.get(run.ask.agent, run.ask.agent)
                if is_same:
                    shown[run.agent] = server
        for name in {r.agent for r in sides[side].records if r.hook == "before_agent"} - {*shown}:
            if owners.setdefault(name, server) != server:
                shown[name] = f"{name} of {server}"
    return names


class _Side:
    """One of the logs, with its records as they stand in the joined one."""

    def __init__(
        self,
        log: Log,
        side: int,
        asks: Sequence[Ask],
        served: Sequence[Served],
        names: dict[str, str],
    ) -> None:
        asks = [ask for ask in asks if ask.side == side]
        unknown = {ask.activation for ask in asks if not ask.served}
        self._log, self._names = log, names
        self._echoes = {index for ask in asks if ask.served for index in ask.heard}
        """Events that repeat what the server's log tells."""
        self._known = {ask.activation for ask in asks} - unknown
        """Agents that stand for servers, of which all is known."""
        self._asked = {run.run: run.ask for run in served if run.side == side and run.ask}
        self._shifts = {
            run.run: 0 if run.ask.since <= run.began <= run.ask.until else run.ask.since - run.began
            for run in served
            if run.side == side and run.ask
        }
        """Microseconds by which another clock goes wrong, by run."""
        self._outer: dict[int, int] = {}
        """Runs in which nested ones were begun."""
        self._runs: dict[int, int] = {}
        """Runs of activations."""
        self._same: dict[int, int] = {}
        """Activations that are one with those of the agents that stand for them."""

    def records(self) -> Iterator[Record]:
        """Gives its records; time never runs backwards."""
        latest = 0
        for index, record in enumerate(self._log.records):
            if (shown := self._show(index, record)) is not None:
                latest = max(latest, shown.time)
                yield replace(shown, time=latest)

    def _show(self, index: int, record: Record) -> Record | None:
        run = self._outermost(record)
        record = _renamed(record, self._names)
        if index in self._echoes:
            kept = tuple(call for call in record.calls if call.id in record.pending)
            record = replace(record, calls=kept, responses=(), usage=None, request=None)
        if record.kind == "a2a" and record.activation in self._known:
            record = replace(record, kind="a2a_read")
        ask = self._asked.get(run)
        return record if ask is None else self._as_answer(record, run, ask)

    def _outermost(self, record: Record) -> int:
        """Finds the run that a message from elsewhere, or the user, began."""
        if record.hook == "before_agent":
            self._runs.setdefault(record.activation, record.run)
        elif record.hook in _OF_RUN and record.parent:
            self._outer.setdefault(record.run, self._runs.get(record.parent, 0))
        run = record.run
        while (outer := self._outer.get(run)) is not None and outer != run:
            run = outer
        return run

    def _as_answer(self, record: Record, run: int, ask: Ask) -> Record | None:
        """Puts a record of a run in the course of the message that began it."""
        time = record.time + self._shifts[run]
        if record.hook in ("after_agent", "after_run", "run_error"):
            time = min(time, ask.until - 1)  # which the client does not wait for
        if record.hook in _OF_RUN and record.run == run:
            record = replace(record, parent=ask.activation)
        if record.hook == "before_agent" and record.run == run and not record.parent:
            record = self._begun(record, ask)
        same = record.activation in self._same
        if same and record.hook in _OF_AGENT:
            return None
        return replace(
            record,
            time=time,
            activation=self._same.get(record.activation, record.activation),
            parent=self._same.get(record.parent, record.parent),
        )

    def _begun(self, record: Record, ask: Ask) -> Record:
        """Lets an agent begin that the message came to."""
        if record.cause == "user" and record.agent == ask.agent:
            self._same[record.activation] = ask.activation
        if record.cause != "user":
            return replace(record, parent=ask.activation)
        return replace(record, parent=ask.activation, cause="node", parent_name=ask.agent)


def _renamed(record: Record, names: dict[str, str]) -> Record:
    if not names:
        return record

    def shown(name: str) -> str:
        return names.get(name, name)

    def call_of(call: FunctionCall) -> FunctionCall:
        return replace(call, name=shown(call.name)) if call.kind in AGENT_CALLS else call

    return replace(
        record,
        agent=shown(record.agent),
        parent_name=shown(record.parent_name),
        transfer=shown(record.transfer),
        active_agent=shown(record.active_agent),
        tool=shown(record.tool) if record.kind in AGENT_CALLS else record.tool,
        calls=tuple(map(call_of, record.calls)),
    )
