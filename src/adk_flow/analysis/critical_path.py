"""Where a turn's time went: model calls, tools, and the chain that had to be waited for.

The critical path, in the sense of scheduling theory, is the longest chain of model and tool calls
of which each had to wait for the one before: calls made in one model turn stand side by side, a
called agent's calls come between its caller's, a transfer's target goes on where its source
stopped, and a node of a workflow, sequence or loop where the nodes that had ended before it on the
same branch stopped, however deep they stand in each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.trace import Activation, ModelCall, ToolCall, Turn


class Span(msgspec.Struct, kw_only=True, gc=False):
    """One model call, or one call of a plain function; times in microseconds."""

    kind: Literal["model", "tool", "replaced"]
    """`replaced` is a model call that a plugin or callback has answered in the model's place."""
    agent: str
    name: str
    """The model's or the function's."""
    version: str = ""
    """The model that answered, where its provider names another."""
    record: int
    """Index of the record that begins it."""
    began: int
    """Since the epoch."""
    start: int
    """Length of the chain that it had to wait for: when it could begin, from the turn's start."""
    took: int = 0
    answered: bool = False
    """Whether it came back, be it with an error."""
    after: int = -1
    """Index of the span that it had to wait for last; -1 for none."""
    nested: bool = False
    """Whether it is in a run of its own, which ADK's session does not show."""
    parts: int = 0
    """Parts of the contents that the model was sent."""
    is_unseen: bool = False
    """Whether tokens were reported for an answer in the model's place, but no model was seen."""
    input_tokens: int | None = 0
    """None, as the following, where a model answered and reported no tokens."""
    cached_tokens: int | None = 0
    output_tokens: int | None = 0
    """Generated tokens, thoughts among them."""


class _End(NamedTuple):
    """Where a chain of calls ends: its length, and its last span."""

    length: int = 0
    span: int = -1


@dataclass(slots=True)
class _Chain:
    """How far the chain of calls has come in one activation."""

    path: _End
    base: _End
    """Its end at the latest model call, from which tool calls start."""
    came_back: int = 0
    """When its latest call came back."""
    call: ToolCall | None = None
    """The call in whose course it runs."""
    group: tuple[int, int, str] | None = None
    """The run, and the activation and name of whose node it is, if it is one."""
    branch: str = ""
    """ADK's branch, by which it keeps what runs side by side apart."""


@dataclass(slots=True)
class Schedule:
    """A turn's calls with their times, and the chain of them that had to be waited for."""

    spans: list[Span] = field(default_factory=list)
    """In the order in which they began."""
    last: int = -1
    """Index of the span that the longest chain ends with."""
    critical_path: int = 0
    """Length of the longest chain in microseconds."""

    @property
    def critical_spans(self) -> list[int]:
        """Indices of the spans on the critical path, in order."""
        found, index = [], self.last
        while index >= 0:
            found.append(index)
            index = self.spans[index].after
        return found[::-1]


ToolTime = Callable[[ToolCall], int]
"""Gives the microseconds that a call of a plain function takes."""


def schedule_turn(
    turn: Turn,
    latency: LatencyProfile | None = None,
    *,
    tool_time: ToolTime | None = None,
    serial: bool = False,
) -> Schedule:
    """Finds the critical path of a turn.

    Args:
      turn: the turn.
      latency: where given, model calls take its time and not their own.
      tool_time: where given, plain functions take its time and not their own.
      serial: whether calls asked for in one model turn, and nodes of a graph, had to follow each
        other.
    """
    scheduler = _Scheduler(latency, tool_time, serial)
    for _, step, subject in sorted(_boundaries(turn), key=lambda boundary: boundary[0]):
        getattr(scheduler, step)(subject)
    return scheduler.finish()


def _boundaries(turn: Turn) -> Iterator[tuple[int, str, Any]]:
    """Gives where each activation and call begins and ends: record, step of the scheduler, it."""
    for activation in turn.activations:
        yield activation.began, "begin", activation
        if activation.ended_by == "agent_error":
            yield activation.ended, "end", activation
        if activation.closed >= 0:
            yield activation.closed, "end", activation
    for call in turn.model_calls:
        if call.within:
            yield call.record, "enter", call
        elif call.was_made or call.replaced:
            yield call.record, "ask", call
            if call.ended >= 0:
                yield call.ended, "answer", call
    for call in turn.tool_calls:
        if call.is_hooked:
            if call.kind == "function" and not call.withheld:
                yield call.record, "call", call
            if call.ended >= 0:
                yield call.ended, "come_back", call
    for task, parent in _tasks(turn).items():
        if task.ended >= 0:
            yield task.ended, "finish_task", (task, parent)


def _tasks(turn: Turn) -> dict[ToolCall, int]:
    """Finds the tasks under way in a turn, and the activation that each is delegated by there."""
    tasks = (activation for activation in turn.activations if activation.cause == "task")
    return {task.within: task.parent for task in tasks if task.within is not None}


class _Scheduler:
    """Follows the chain of calls of each activation from one boundary to the next."""

    def __init__(
        self, latency: LatencyProfile | None, tool_time: ToolTime | None, serial: bool
    ) -> None:
        self._latency, self._tool_time, self._serial = latency, tool_time, serial
        self._schedule = Schedule()
        self._longest = _End()
        self._chains: dict[int, _Chain] = {}
        """By activation."""
        self._spans: dict[ModelCall | ToolCall, int] = {}
        self._inside: dict[ToolCall, _End] = {}
        """Longest chain of what ran in the course of each call."""
        self._ended: dict[tuple[int, int, str], dict[str, _End]] = {}
        """Longest chain of ended nodes, by the run, activation and name of whose nodes they are,
        and by branch."""

    def finish(self) -> Schedule:
        """Gives the schedule."""
        self._schedule.critical_path, self._schedule.last = self._longest
        return self._schedule

    def begin(self, activation: Activation) -> None:
        """An agent begins where its caller, or who handed over, or the node before it has come."""
        source, cause = self._chain(activation.parent), activation.cause
        start, call, group = source.base, activation.within, None
        if cause == "transfer":
            call, group = self._scope_at(activation.began, source.call), source.group
            start = source.path if group else max(source.path, self._longest_in(call))
        elif cause == "node":
            group = (activation.run, activation.parent, activation.parent_name)
            start = max(start, self._before_node(group, activation.branch))
        elif not activation.parent and cause in ("user", "task"):
            start = self._longest_in(None)
        elif cause == "task":
            start = max(start, self._inside.get(call, start) if call else start)
        chain = _Chain(start, start, call=call, group=group, branch=activation.branch)
        self._note(self._chains.setdefault(activation.number, chain))

    def _longest_in(self, call: ToolCall | None) -> _End:
        """Gives what ran before in a call, or the turn, where one agent follows another."""
        return self._inside.get(call, _End()) if call else self._longest

    def _scope_at(self, record: int, call: ToolCall | None) -> ToolCall | None:
        """Finds the innermost call around another that had not come back at a record."""
        while call is not None and 0 <= call.ended < record:
            call = self._chain(call.activation).call
        return call

    def ask(self, call: ModelCall) -> Span:
        """A model is asked at the end of its activation's chain."""
        span = self._open("model" if call.was_made else "replaced", call, call.model)
        span.start, span.after = self._chain(call.activation).path
        span.version, span.is_unseen, tokens = call.version, call.is_unseen, call.tokens
        span.parts = len(call.request.parts) if call.request is not None else 0
        span.input_tokens = tokens.input if tokens else None
        span.cached_tokens = tokens.cached if tokens else None
        span.output_tokens = tokens.generated if tokens else None
        return span

    def enter(self, call: ModelCall) -> None:
        """A tool asked a model: the time that it took is the tool's."""
        span = self.ask(call)
        span.start, span.after = self._chain(call.activation).base
        self._take(span, call)

    def answer(self, call: ModelCall) -> None:
        """Its answer makes the chain longer."""
        chain, number = self._chain(call.activation), self._spans[call]
        span = self._schedule.spans[number]
        self._take(span, call)
        chain.path = chain.base = _End(chain.path.length + span.took, number)
        self._note(chain)

    def _take(self, span: Span, call: ModelCall) -> None:
        span.answered = True
        span.took = max(0, call.ended_time - call.began)
        if self._latency is not None:
            span.took = self._latency.microseconds(span.output_tokens or 0)

    def call(self, call: ToolCall) -> None:
        """A function is called, side by side with others of the same model turn."""
        span = self._open("tool", call, call.name)
        span.start, span.after = self._chain(call.activation).base

    def come_back(self, call: ToolCall) -> None:
        """What a call took, or who ran in it, is waited for by whoever made it."""
        chain = self._chain(call.activation)
        end = self._inside.pop(call, chain.base)
        if call in self._spans:
            end = max(end, self._end_tool(call, chain))
        chain.path = max(chain.path, end)
        if self._serial:
            chain.base, chain.came_back = chain.path, call.ended_time
        self._note(chain)

    def _end_tool(self, call: ToolCall, chain: _Chain) -> _End:
        number = self._spans[call]
        span, began = self._schedule.spans[number], call.began
        span.answered = True
        if self._serial:
            # It was asked for before, and let go once the call before had come back.
            span.start, span.after = max((span.start, span.after), chain.path)
            began = max(began, chain.came_back)
        span.took = max(0, call.ended_time - began)
        if self._tool_time is not None:
            span.took = self._tool_time(call)
        return _End(span.start + span.took, number)

    def finish_task(self, delegated: tuple[ToolCall, int]) -> None:
        """Goes on in the delegating activation, whose task was answered."""
        task, parent = delegated
        chain = self._chain(parent)
        chain.path = max(chain.path, self._inside.pop(task, chain.base))
        self._note(chain)

    def end(self, activation: Activation) -> None:
        """A node that ends, and with it its own nodes, lets those begin that waited for it."""
        chain = self._chain(activation.number)
        last = self._chains.get(activation.last.number, chain)
        chain.path = max([chain.path, last.path, *self._ended_of(activation.number)])
        self._note(chain)
        if chain.group is None:
            return
        ended = self._ended.setdefault(chain.group, {})
        ended[chain.branch] = max(ended.get(chain.branch, _End()), chain.path)

    def _open(
        self, kind: Literal["model", "tool", "replaced"], call: ModelCall | ToolCall, name: str
    ) -> Span:
        span = Span(
            kind=kind,
            agent=call.agent,
            name=name,
            record=call.record,
            began=call.began,
            start=0,
            nested=call.nested,
        )
        self._spans[call] = len(self._schedule.spans)
        self._schedule.spans.append(span)
        return span

    def _before_node(self, group: tuple[int, int, str], branch: str) -> _End:
        """Finds the longest chain that a node had to wait for.

        A node of one branch waits for those of its own and of the branches around it; one that
        joins branches runs in the branch around them.
        """
        chains = [
            end
            for other, end in self._ended.get(group, {}).items()
            if self._serial or _is_within(branch, other) or _is_within(other, branch)
        ]
        return max(chains, default=_End())

    def _ended_of(self, owner: int) -> Iterator[_End]:
        """Gives where the chains of an activation's nodes have ended."""
        groups = (ended for group, ended in self._ended.items() if group[1] == owner)
        return (end for ended in groups for end in ended.values())

    def _note(self, chain: _Chain) -> None:
        """Takes an activation's chain into the turn's, and into that of the call it runs in."""
        self._longest = max(self._longest, chain.path)
        if chain.call is not None:
            self._inside[chain.call] = max(self._inside.get(chain.call, _End()), chain.path)

    def _chain(self, number: int) -> _Chain:
        chain = self._chains.get(number)
        if chain is None:
            chain = self._chains[number] = _Chain(_End(), _End())
        return chain


def _is_within(branch: str, outer: str) -> bool:
    return not outer or branch == outer or branch.startswith(f"{outer}.")
