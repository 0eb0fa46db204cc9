"""Which A2A messages of a client's log began which runs in the logs of servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from adk_flow.log.reader import Log


@dataclass(eq=False, slots=True)
class Served:
    """A run that a message from elsewhere began."""

    side: int
    """Index of its log."""
    run: int
    agent: str
    context: str
    trace: str
    words: str
    began: int
    calls: set[str] = field(default_factory=set)
    ask: Ask | None = None


@dataclass(eq=False, slots=True)
class Ask:
    """A message to an A2A server, as its client recorded it."""

    side: int
    activation: int
    """Of the agent that stands for the server."""
    agent: str
    trace: str
    words: str
    since: int
    """Time before which it cannot have been sent, and until which it was answered."""
    until: int = 0
    context: str = ""
    calls: set[str] = field(default_factory=set)
    heard: list[int] = field(default_factory=list)
    """Indices of the events of its answer."""
    served: Served | None = None

    def may_be_of(self, run: Served) -> bool:
        """Whether the client was told of the run's session, or of none, as by a server that died.

        What a server heard of one that it asked itself, it tells its client as its own.
        """
        return self.context in ("", run.context)


_EVIDENCE: tuple[Callable[[Ask, Served], bool], ...] = (
    lambda ask, served: not ask.calls.isdisjoint(served.calls),
    lambda ask, served: ask.context == served.context and ask.words == served.words,
    lambda ask, served: not ask.context and ask.trace == served.trace != "",
    lambda ask, served: (
        not ask.context
        and ask.words == served.words != ""
        and ask.since <= served.began <= ask.until
    ),
    lambda ask, served: ask.context == served.context,
)
"""What shows that a message began a run, the strongest first."""


def asks_in(side: int, log: Log) -> Iterator[Ask]:
    """Gives the messages that were sent to A2A servers."""
    traces: dict[int, str] = {}
    since: dict[int, int] = {}
    latest: dict[int, Ask] = {}
    for index, record in enumerate(log.records):
        if record.hook == "user_message":
            traces[record.run] = record.trace
        elif record.hook == "before_agent" and record.kind == "a2a":
            since[record.activation] = record.time
        elif record.hook == "event" and (began := since.get(record.activation)) is not None:
            if record.request is not None:
                words = "".join(
                    log.texts.get(part.text, "")
                    for part in record.request.parts
                    if part.kind == "text"
                )
                place = (record.activation, record.agent, traces.get(record.run, ""))
                latest[record.activation] = ask = Ask(side, *place, words, began)
                yield ask
            if ask := latest.get(record.activation):
                ask.until, ask.context = record.time, record.remote or ask.context
                ask.calls.update(call.id for call in record.calls)
                ask.heard.append(index)
            since[record.activation] = record.time


def served_in(side: int, log: Log) -> Iterator[Served]:
    """Gives the runs that no agent of the same log began."""
    runs: dict[int, Served] = {}
    for record in log.records:
        if record.hook == "user_message" and not record.parent:
            place = (record.run, record.agent, log.header.session)
            runs[record.run] = Served(side, *place, record.trace, record.text, record.time)
        elif record.hook == "event" and record.run in runs:
            runs[record.run].calls.update(call.id for call in record.calls)
    yield from runs.values()


def match_asks(asks: Sequence[Ask], served: Sequence[Served]) -> None:
    """Links each message with the run that it began, as far as the logs show one.

    Of sides of one session, as a client may have its servers take its own, none answers whom it
    asked.
    """
    asks, served = sorted(asks, key=attrgetter("since")), sorted(served, key=attrgetter("began"))
    above = {side: {side} for side in (*(ask.side for ask in asks), *(run.side for run in served))}
    """A side, and those that asked it, be it through others."""
    for is_sign in _EVIDENCE:
        for ask in asks:
            before = above[ask.side]
            others = (run for run in served if run.ask is None and run.side not in before)
            run = next((run for run in others if ask.may_be_of(run) and is_sign(ask, run)), None)
            if run is not None and ask.served is None:
                ask.served, run.ask = run, ask
                for sides in above.values():
                    if run.side in sides:
                        sides |= before


def first_side(side: int, served: Sequence[Served]) -> int:
    """Finds the log that a conversation begins in which goes through one of them."""
    passed = set[int]()
    while side not in passed:
        passed.add(side)
        side = next((run.ask.side for run in served if run.ask and run.side == side), side)
    return side


def sides_from(first: int, asks: Sequence[Ask]) -> list[int]:
    """Gives the logs that a conversation goes through, as it comes to them."""
    reached = dict.fromkeys([first])
    for side in (sides := [first]):
        new = [ask.served.side for ask in asks if ask.side == side and ask.served]
        sides += [other for other in dict.fromkeys(new) if other not in reached]
        reached |= dict.fromkeys(new)
    return list(reached)
