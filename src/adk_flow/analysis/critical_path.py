"""Where a turn's time went: model calls, tools, and the chain that had to be waited for.

The critical path, in the sense of scheduling theory, is the longest chain of model and tool calls
of which each had to wait for the one before: calls made in one model turn stand side by side, a
called agent's calls come between its caller's, a transfer's target goes on where its source
stopped, and a node of a workflow, sequence or loop where the nodes that had ended before it on the
same branch stopped, however deep they stand in each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, Literal

import msgspec

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.nodes import is_parted, node_name
from adk_flow.analysis.trace import Activation, ModelCall, ToolCall, Turn


class Span(msgspec.Struct, kw_only=True, gc=False):
    """One model call, or one call of a plain function; times in microseconds."""

    kind: Literal["model", "tool", "replaced", "node"]
    """`replaced` is a model call that a plugin or callback has answered in the model's place;
    `node` a function or join of a graph, which ran from the end of what it waited for."""
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


_Group = tuple[int, int, str]
"""Whose node something is, see `Activation.group`."""


_End = tuple[int, int]
"""Where a chain of calls ends: its length, and the index of its last span, -1 for none."""
_START: _End = 0, -1
_NOTHING: _End = -1, -1


class _Chain(msgspec.Struct, eq=False):
    """How far the chain of calls has come in one activation."""

    path: _End = _START
    base: _End = _START
    """Its end at the latest model call, from which tool calls start."""
    since: int = 0
    """When that ended, or when it began."""
    came_back: int = 0
    """When its latest call came back."""
    call: ToolCall | None = None
    """The call in whose course it runs."""
    group: _Group | None = None
    """The run, and the activation and name of whose node it is, if it is one."""
    branch: str = ""
    """ADK's branch, by which it keeps what runs side by side apart."""


class Schedule(msgspec.Struct):
    """A turn's calls with their times, and the chain of them that had to be waited for."""

    spans: list[Span] = []
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
    idle: str = "",
) -> Schedule:
    """Finds the critical path of a turn.

    Args:
      turn: the turn.
      latency: where given, model calls take its time and not their own.
      tool_time: where given, plain functions take its time and not their own.
      serial: whether calls asked for in one model turn, and nodes of a graph, had to follow each
        other.
      idle: the outermost graph, if its functions only join agents, and so take no time.
    """
    scheduler = _Scheduler(latency, tool_time, serial, idle, turn)
    for _, step, subject in sorted(scheduler.boundaries(turn), key=itemgetter(0)):
        step(subject)
    return scheduler.finish()


_Boundary = tuple[int, Callable[[Any], object], Any]
"""A record, a step of the scheduler, and what that is for."""


def _tasks(turn: Turn) -> dict[ToolCall, int]:
    """Finds the tasks under way in a turn, and the activation that each is delegated by there."""
    tasks = [activation for activation in turn.activations if activation.cause == "task"]
    return {task.within: task.parent for task in tasks if task.within is not None}


class _Scheduler:
    """Follows the chain of calls of each activation from one boundary to the next."""

    def __init__(
        self,
        latency: LatencyProfile | None,
        tool_time: ToolTime | None,
        serial: bool,
        idle: str,
        turn: Turn,
    ) -> None:
        self._latency, self._tool_time, self._serial = latency, tool_time, serial
        self._idle = idle
        self._schedule = Schedule()
        self._longest = _START
        self._chains: defaultdict[int, _Chain] = defaultdict(_Chain)
        """By activation."""
        self._nodes: defaultdict[int, list[_Chain]] = defaultdict(list)
        """Those of nodes, by the activation whose nodes they are."""
        self._spans: dict[ModelCall | ToolCall, int] = {}
        self._inside: dict[ToolCall, _End] = {}
        """Longest chain of what ran in the course of each call."""
        self._longer: defaultdict[tuple[int, str], int] = defaultdict(int)
        """How much longer a tool took by the models that it asked, by its call."""
        self._ended: dict[_Group, dict[str, _End]] = {}
        """Longest chain of ended nodes, by group and branch."""
        self._times: dict[_Group, dict[str, int]] = {}
        """When the last of them ended, likewise; before any, when the group began."""
        self._starts: dict[_Group, _End] = {}
        """Where the chain had come when a graph inside another began, by group of its nodes."""
        self._turn_began = turn.began
        self._callers = {run.number: run.parent.number for run in turn.runs if run.parent}
        """Whose call started a run inside another."""
        self._calls = {(run.number, ""): run.call for run in turn.runs if run.call}
        """Calls that graphs run in, by their run, or activation and the step of ADK's path."""

    def boundaries(self, turn: Turn) -> Iterator[_Boundary]:
        """Gives where each node, activation and call begins and ends, in order within a record."""
        if turn.nodes:
            yield from self._boundaries_of_nodes(turn)
        for activation in turn.activations:
            yield activation.began, self.begin, activation
            if activation.ended_by in ("agent_error", "return"):
                yield activation.ended, self.end, activation
            if activation.closed >= 0:
                yield activation.closed, self.end, activation
        for record, activation in turn.resumed:
            yield record, self.resume, activation
        for call in turn.model_calls:
            if call.within:
                yield call.record, self.enter, call
            elif call.was_made or call.replaced:
                yield call.record, self.ask, call
                if call.ended >= 0:
                    yield call.ended, self.answer, call
        for call in turn.tool_calls:
            if call.is_hooked:
                if call.kind == "function" and not call.withheld:
                    yield call.record, self.call, call
                if call.kind == "node_tool":
                    yield call.record, self.call_graph, call
                if call.ended >= 0:
                    yield call.ended, self.come_back, call
        for task, parent in _tasks(turn).items():
            if task.ended >= 0:
                yield task.ended, self.finish_task, (task, parent)

    def _boundaries_of_nodes(self, turn: Turn) -> Iterator[_Boundary]:
        """Gives those of graphs in graphs: at once, the inner end first, and the outer begin."""
        inner = {n.path for n in turn.nodes if n.ended > n.began and not n.is_function}
        graphs = [node for node in turn.nodes if node.path in inner]
        for node in sorted(graphs, key=_depth, reverse=True):
            if node.ended >= 0:
                yield node.ended, self.end_graph, node
        for node in sorted(graphs, key=_depth):
            yield node.began, self.begin_graph, node
        for node in turn.nodes:
            if node.path not in inner:
                yield max(node.began, node.ended), self.run_function, node

    def finish(self) -> Schedule:
        """Gives the schedule."""
        self._schedule.critical_path, self._schedule.last = self._longest
        return self._schedule

    def begin(self, activation: Activation) -> None:
        """An agent begins where its caller, or who handed over, or the node before it has come."""
        source, cause = self._chains[activation.parent], activation.cause
        start, call, group = source.base, activation.within, None
        if cause == "transfer":
            call, group = self._scope_at(activation.began, source.call), source.group
            start = source.path if group else max(source.path, self._longest_in(call))
        elif cause == "node":
            group = activation.group
            start = max(start, self._before_node(group, activation.branch))
            self._times.setdefault(group, {"": activation.time})
        elif not activation.parent and cause in ("user", "task"):
            start = self._longest_in(None)
        elif cause == "task":
            # ADK runs tasks one after another, also those that were left over.
            scope = self._scope_at(activation.began, source.call)
            start = max(start, self._inside.get(call, start) if call else start)
            start = start if source.group else max(start, self._longest_in(scope))
        chain = _Chain(
            start, start, since=activation.time, call=call, group=group, branch=activation.branch
        )
        chain = self._chains.setdefault(activation.number, chain)
        if chain.group:
            self._nodes[chain.group[1]].append(chain)
        self._reach(chain.path, chain.call)

    def resume(self, activation: Activation) -> None:
        """An agent goes on after its task, and whatever else ran in its place."""
        chain = self._chains[activation.number]
        if not chain.group:
            chain.path = max(chain.path, self._longest_in(chain.call))

    def _longest_in(self, call: ToolCall | None) -> _End:
        """Gives what ran before in a call, or the turn, where one agent follows another."""
        return self._inside.get(call, _START) if call else self._longest

    def _scope_at(self, record: int, call: ToolCall | None) -> ToolCall | None:
        """Finds the innermost call around another that had not come back at a record."""
        while call is not None and 0 <= call.ended < record:
            call = self._chains[call.activation].call
        return call

    def ask(self, call: ModelCall) -> Span:
        """A model is asked at the end of its activation's chain; by a tool, where that began."""
        chain, tokens, request = self._chains[call.activation], call.tokens, call.request
        start, after = chain.base if call.within else chain.path
        span = Span(
            kind="model" if call.was_made else "replaced",
            agent=call.agent,
            name=call.model,
            version=call.version,
            record=call.record,
            began=call.began,
            start=start,
            after=after,
            nested=call.nested,
            parts=len(request.parts) if request else 0,
            is_unseen=call.is_unseen,
            input_tokens=tokens and tokens.input,
            cached_tokens=tokens and tokens.cached,
            output_tokens=tokens and tokens.generated,
        )
        self._open(call, span)
        return span

    def enter(self, call: ModelCall) -> None:
        """A tool asked a model: the time that it took, or would have taken, is the tool's."""
        span = self.ask(call)
        self._take(span, call)
        # Of a tool whose time is given, that of the models it asks is no part.
        is_part = 0 if self._tool_time else max(0, call.ended_time - call.began)
        self._longer[call.activation, call.within] += span.took - is_part

    def answer(self, call: ModelCall) -> None:
        """Its answer makes the chain longer."""
        chain, number = self._chains[call.activation], self._spans[call]
        span = self._schedule.spans[number]
        self._take(span, call)
        chain.path = chain.base = chain.path[0] + span.took, number
        chain.since = call.ended_time
        self._reach(chain.path, chain.call)

    def _take(self, span: Span, call: ModelCall) -> None:
        span.answered = True
        span.took = max(0, call.ended_time - call.began)
        if self._latency is not None:
            span.took = self._latency.microseconds(span.output_tokens or 0)

    def call(self, call: ToolCall) -> None:
        """A function is called, side by side with others of the same model turn."""
        start, after = self._chains[call.activation].base
        span = Span(
            kind="tool",
            agent=call.agent,
            name=call.name,
            record=call.record,
            began=call.began,
            start=start,
            after=after,
            nested=call.nested,
        )
        self._open(call, span)

    def call_graph(self, call: ToolCall) -> None:
        """A graph is called."""
        self._calls[call.activation, f"{call.name}@{call.id}"] = call

    def come_back(self, call: ToolCall) -> None:
        """What a call took, or who ran in it, is waited for by whoever made it."""
        chain = self._chains[call.activation]
        end = self._inside.pop(call, chain.base)
        if call in self._spans:
            end = max(end, self._end_tool(call, chain))
        chain.path = max(chain.path, end)
        if self._serial:
            chain.base, chain.came_back = chain.path, call.ended_time
        self._reach(chain.path, chain.call)

    def _end_tool(self, call: ToolCall, chain: _Chain) -> _End:
        number = self._spans[call]
        span, began = self._schedule.spans[number], call.began
        span.answered = True
        if self._serial:
            # It was asked for before, and let go once the call before had come back.
            span.start, span.after = max((span.start, span.after), chain.path)
            began = max(began, chain.came_back)
        took = self._tool_time(call) if self._tool_time else call.ended_time - began
        span.took = max(0, took + self._longer.pop((call.activation, call.id), 0))
        return span.start + span.took, number

    def finish_task(self, delegated: tuple[ToolCall, int]) -> None:
        """Goes on in the delegating activation, whose task was answered."""
        task, parent = delegated
        chain = self._chains[parent]
        chain.path = max(chain.path, self._inside.pop(task, chain.base))
        self._reach(chain.path, chain.call)

    def end(self, activation: Activation) -> None:
        """A node that ends, and with it its own nodes, lets those begin that waited for it."""
        chain = self._chains[activation.number]
        last = self._chains.get(activation.last.number, chain)
        chain.path = max(chain.path, last.path)
        if self._ended or self._nodes:
            chain.path = max([chain.path, *self._ended_of(activation.number)])
        self._reach(chain.path, chain.call)
        if chain.group is None:
            return
        time = activation.ended_time or activation.time
        self._note_node(chain.group, chain.branch, chain.path, time)

    def begin_graph(self, node: Activation) -> None:
        """A graph inside another begins where what it waited for has come."""
        self._starts[_inside(node)] = self._before_node(node.group, node.branch)
        self._times[_inside(node)] = {"": self._time_before(node)}

    def end_graph(self, node: Activation) -> None:
        """It ends where the longest chain of its nodes has come; its record may come later."""
        ends = self._ended.get(_inside(node), {}).values()
        end = max(ends, default=self._starts.get(_inside(node), _START))
        times = self._times.get(_inside(node), {}).values()
        time = max(times, default=self._time_before(node))
        self._note_node(node.group, node.branch, end, time)

    def run_function(self, node: Activation) -> None:
        """A function or join has run since the end of what it waited for."""
        caller = self._chains[node.parent or self._callers.get(node.run, 0)]
        start, ended = max(caller.base, self._before_node(node.group, node.branch)), node.ended_time
        ended = max(node.time, ended)
        began = self._time_before(node, caller.since)
        graph, *inner = node.path.split("/")
        names = self._idle, f"{self._idle}_graph"  # where an agent goes by the first
        is_idle = len(inner) == 1 and node_name(graph) in names
        span = Span(
            kind="node",
            agent=node.parent_name,
            name=node.agent,
            record=node.began,
            began=began,
            start=start[0],
            after=start[1],
            took=0 if self._tool_time or is_idle else ended - began,
            answered=True,
        )
        self._schedule.spans.append(span)
        end = span.start + span.took, len(self._schedule.spans) - 1
        calls = (self._calls.get((node.parent, step)) for step in node.path.split("/"))
        self._reach(end, next(filter(None, calls), self._calls.get((node.run, ""))))
        self._note_node(node.group, node.branch, end, ended)

    def _time_before(self, node: Activation, since: int = 0) -> int:
        """Gives when the last ended that a node had to wait for, before any when it was called."""
        times = self._times.get(node.group, {}).items()
        before = (time for branch, time in times if not is_parted(branch, node.branch))
        return max(before, default=since or self._turn_began)

    def _note_node(self, group: _Group, branch: str, end: _End, time: int) -> None:
        ended = self._ended.setdefault(group, {})
        ended[branch] = max(ended.get(branch, _START), end)
        self._times.setdefault(group, {})[branch] = time

    def _open(self, call: ModelCall | ToolCall, span: Span) -> None:
        self._spans[call] = len(self._schedule.spans)
        self._schedule.spans.append(span)

    def _before_node(self, group: _Group, branch: str) -> _End:
        """Finds the longest chain that a node had to wait for.

        A node of one branch waits for those of its own and of the branches around it; one that
        joins branches runs in the branch around them.
        """
        chains = [
            end
            for other, end in self._ended.get(group, {}).items()
            if self._serial or not is_parted(branch, other)
        ]
        return max([self._starts.get(group, _START), *chains])

    def _ended_of(self, owner: int) -> Iterator[_End]:
        """Gives where the chains of an activation's nodes have come: ADK may tell no end of one."""
        for group, ended in self._ended.items():
            if group[1] == owner:
                yield from ended.values()
        yield from (node.path for node in self._nodes.get(owner, ()))

    def _reach(self, end: _End, call: ToolCall | None) -> None:
        """Takes a chain's end into the turn's chain, and into those of the calls it runs in."""
        if end > self._longest:
            self._longest = end
        while call is not None and self._inside.get(call, _NOTHING) < end:
            self._inside[call] = end
            call = self._chains[call.activation].call


def _depth(node: Activation) -> int:
    return node.path.count("/")


def _inside(graph: Activation) -> _Group:
    """The group of a graph's own nodes."""
    return graph.run, graph.parent, graph.path
