"""Moves of control and of conversation, read off the records of a flow log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypedDict

import msgspec

from adk_flow.log.schema import FunctionCall, Record

Control = Literal["start", "transfer", "call", "return", "fork", "join", "end"]
Conversation = Literal["say", "ask", "answer", "reply"]

USER = "user"
CONTROL = frozenset({"start", "transfer", "call", "return", "fork", "join", "end"})

_CALLED = frozenset({"agent_tool", "single_turn"})
"""Calls that the caller waits for with a tool result; their children never face the user."""


_JSON_NAMES = {"cause": "via", "activation": "frame", "parent": "caller"}


class Move(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename=_JSON_NAMES
):
    """One move of control (which agent runs) or of conversation (who says what to whom)."""

    kind: Control | Conversation
    source: str
    target: str
    turn: int
    """Number of the turn, from 1."""
    time: int
    """Microseconds since the epoch."""
    record: int
    """Index of the record that shows it."""
    cause: str = ""
    """Why the frame began that the move opens or closes, see `Record.why`."""
    activation: int = 0
    """The frame that begins (start, transfer, call, ask) or that ends or speaks (the others)."""
    parent: int = 0
    """The frame that calls, or hands over to, the frame of a call, ask or transfer."""
    call: str = ""
    """Function call id of a call, its ask, answer and return."""
    text: str = ""
    """What was said; of a failed move, the error."""
    failed: bool = False

    @property
    def is_control(self) -> bool:
        """Whether the move is one of control."""
        return self.kind in CONTROL


@dataclass(slots=True)
class Activation:
    """One activation of an agent."""

    number: int
    agent: str
    cause: str
    run: int
    turn: int
    parent: int = 0
    """Frame that called it or handed over to it; 0 for the user or a workflow."""
    parent_name: str = ""
    """Name of a caller that is no frame: a workflow, or an agent of an earlier turn."""
    call: str = ""
    began: int = -1
    """Index of its `before_agent` record."""
    ended: int = -1
    """Index of the record that ended it; -1 while it is open."""
    ended_by: str = ""
    """`after_agent`, `transfer`, `agent_error`, `return`, `after_run` or `run_error`."""
    balanced: bool = False
    """Whether ADK called `after_agent` for it, be it after a transfer."""
    successor: int = 0
    """Frame that it handed over to."""
    text: str = ""
    """Its latest final words, as far as they were kept."""
    spoke: bool = False
    """Whether it gave final words."""


class _Marks(TypedDict):
    """The fields that a call shares with its ask, and a return with its answer."""

    activation: int
    cause: str
    call: str


@dataclass(slots=True)
class _Run:
    """A Runner activation as far as the records went."""

    turn: int
    parent: int = 0
    call: str = ""
    words: str = ""
    started: bool = False
    activations: list[Activation] = field(default_factory=list)
    active_agent: str = ""
    """Agent that faces the user."""
    active_activation: int = 0
    nodes: dict[tuple[int, str], list[Activation]] = field(default_factory=dict)
    """Frames of the nodes that run side by side, by the frame and name of whose nodes they are."""
    finals: list[tuple[int, str, str, int]] = field(default_factory=list)
    """Record, author, text and frame of each final text that a workflow node gave."""
    waits: dict[str, tuple[int, str, int, FunctionCall]] = field(default_factory=dict)
    """Record, agent, frame and call of what the run waits for, by call id."""
    error: str = ""
    """What the latest final event says went wrong."""
    replied: int = -1
    """Index of the latest reply."""


class FlowReader:
    """Turns records into moves one by one, so that a flow can be told while it happens."""

    def __init__(self) -> None:
        self.activations: dict[int, Activation] = {}
        self.turns = 0
        self._runs: dict[int, _Run] = {}
        self._asks: dict[str, str] = {}
        self._latest: dict[str, int] = {}
        """The frame that last began in the course of each call."""
        self._forks: dict[int, int] = {}
        """Calls still out of a frame that forked."""
        self._moves: list[Move] = []
        self._index = -1
        self._record = Record(hook="", time=0)
        self._handlers = {
            name.removeprefix("_on_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_on_")
        }

    def turn_of(self, record: Record) -> int:
        """Numbers the turn that a record read before belongs to; 0 if it is not known."""
        run = self._runs.get(record.run)
        return run.turn if run else 0

    def is_nested(self, record: Record) -> bool:
        """Whether a record comes from a run of its own that ADK's session does not show."""
        run = self._runs.get(record.run)
        return run is not None and bool(run.parent)

    def read(self, record: Record) -> list[Move]:
        """Reads the next record and gives the moves that it shows; mostly none."""
        self._index += 1
        self._record = record
        self._moves = []
        handle = self._handlers.get(record.hook)
        if handle is not None:
            handle(record)
        return self._moves

    # Hooks

    def _on_user_message(self, record: Record) -> None:
        self._run(record).words = record.text

    def _on_before_run(self, record: Record) -> None:
        run = self._run(record)
        run.active_agent = run.active_agent or record.agent

    def _on_before_agent(self, record: Record) -> None:
        run = self._run(record)
        if record.cause == "resume" and record.activation in self.activations:
            return
        activation = self.activations[record.activation] = Activation(
            number=record.activation,
            agent=record.agent,
            cause=record.cause,
            run=record.run,
            turn=run.turn,
            parent=record.parent,
            parent_name=record.parent_name,
            call=record.call or run.call,
            began=self._index,
        )
        run.activations.append(activation)
        if activation.call:
            self._latest[activation.call] = activation.number
        {
            "transfer": self._transferred,
            "agent_tool": self._called,
            "single_turn": self._called,
            "task": self._called,
            "node": self._entered,
        }.get(activation.cause, self._started)(run, activation)

    def _on_after_agent(self, record: Record) -> None:
        activation = self.activations.get(record.activation)
        if activation is None or activation.balanced:
            return
        activation.balanced = True
        self._end_activation(activation.number, "after_agent")
        if activation.cause == "node":
            self._leave_node(activation, failed=False, text="")

    def _on_agent_error(self, record: Record) -> None:
        activation = self._end_activation(record.activation, "agent_error")
        if activation is not None and activation.cause == "node":
            self._leave_node(activation, failed=True, text=record.error)

    def _on_after_model(self, record: Record) -> None:
        calls = [call.name for call in record.calls if call.kind in _CALLED]
        if len(calls) > 1 and not record.partial:
            self._forks[record.activation] = len(calls)
            self._move("fork", record.agent, ", ".join(calls), activation=record.activation)

    def _on_before_tool(self, record: Record) -> None:
        self._asks[record.call] = record.text

    def _on_after_tool(self, record: Record) -> None:
        if self._ran_agent(record):
            self._come_back(record, failed=False, text=record.text)

    def _on_tool_error(self, record: Record) -> None:
        if self._ran_agent(record):
            self._come_back(record, failed=True, text=record.error)

    def _on_event(self, record: Record) -> None:
        if not record.partial:  # a streamed call's arguments are still coming in
            for call in record.calls:
                self._asks.setdefault(call.id, call.text)
        waits = self._run(record).waits
        for call in record.calls:
            if call.id in record.pending:
                waits[call.id] = (self._index, record.agent, record.activation, call)
        for call in record.responses:
            waits.pop(call, None)
            self._finish_task(call)
        self._start_unframed(record)
        activation = self.activations.get(record.activation)
        if record.transfer and activation is not None:
            self._end_activation(activation.number, "transfer")
        if record.error and record.final:
            self._run(record).error = record.error
        elif record.size and not record.partial:
            self._run(record).error = ""
            self._say(record, activation)

    def _on_after_run(self, record: Record) -> None:
        self._end_run(record, failed=False)

    def _on_run_error(self, record: Record) -> None:
        self._end_run(record, failed=True)

    # Control

    def _start(self, run: _Run, agent: str, activation: Activation | None = None) -> None:
        """Gives control, and the user's words, to the agent or graph that a turn begins with."""
        run.started = True
        number, cause = (activation.number, activation.cause) if activation else (0, "user")
        run.active_agent, run.active_activation = agent, number
        self._move("start", USER, agent, activation=number, cause=cause)
        self._move("say", USER, agent, activation=number, cause=cause, text=run.words)

    def _start_unframed(self, record: Record) -> None:
        """Starts a turn whose first event, or whose end, comes before any agent of it."""
        run = self._run(record)
        if not run.started and not run.parent and record.agent != USER:
            self._start(run, run.active_agent or record.agent or "app")

    def _started(self, run: _Run, activation: Activation) -> None:
        if not run.started and not run.parent:
            self._start(run, activation.agent, activation)
            return
        # ADK begins the delegating agent anew once its task agent has finished.
        run.active_agent, run.active_activation = activation.agent, activation.number

    def _transferred(self, run: _Run, activation: Activation) -> None:
        source = self.activations.get(activation.parent)
        if source is not None:
            source.successor = activation.number
        self._move(
            "transfer",
            source.agent if source else activation.parent_name,
            activation.agent,
            activation=activation.number,
            parent=activation.parent,
            cause=activation.cause,
        )
        if not self._is_called(activation):
            run.active_agent, run.active_activation = activation.agent, activation.number

    def _called(self, run: _Run, activation: Activation) -> None:
        parent = self._parent_of(activation)
        if (
            activation.cause == "task"
            and not run.started
            and not run.parent
            and not activation.parent
        ):
            # A task that waited for the user goes on: the words are for the task agent.
            self._start(run, activation.agent, activation)
            return
        words = (
            run.words if activation.cause == "agent_tool" else self._asks.get(activation.call, "")
        )
        opened = _Marks(activation=activation.number, cause=activation.cause, call=activation.call)
        self._move("call", parent, activation.agent, **opened, parent=activation.parent)
        self._move("ask", parent, activation.agent, **opened, parent=activation.parent, text=words)
        if activation.cause == "task" and not run.parent:
            run.active_agent, run.active_activation = activation.agent, activation.number

    def _entered(self, run: _Run, activation: Activation) -> None:
        parent = self._parent_of(activation)
        if not run.started and not run.parent:
            self._start(run, parent, activation)
        self._fork_nodes(run, parent, activation)
        self._move(
            "call",
            parent,
            activation.agent,
            activation=activation.number,
            parent=activation.parent,
            cause="node",
        )

    def _fork_nodes(self, run: _Run, parent: str, activation: Activation) -> None:
        """Tells a fork when a second node begins beside an open one: nothing tells it earlier."""
        nodes = run.nodes.setdefault((activation.parent, parent), [])
        if not any(self._last_after(node).ended < 0 for node in nodes):
            nodes.clear()
        nodes.append(activation)
        if len(nodes) == 2:
            names = ", ".join(node.agent for node in nodes)
            self._move("fork", parent, names, activation=activation.parent, cause="node")

    def _join_nodes(self, run: _Run, parent: str, number: int) -> None:
        """Tells a join once no node that ran beside another is open."""
        nodes = run.nodes.get((number, parent), [])
        if any(self._last_after(node).ended < 0 for node in nodes):
            return
        if len(nodes) > 1:
            self._move("join", parent, parent, activation=number, cause="node")
        nodes.clear()

    def _leave_node(self, activation: Activation, *, failed: bool, text: str) -> None:
        parent, last = self._parent_of(activation), self._last_after(activation)
        closed = _Marks(activation=last.number, cause="node", call="")
        if last.spoke and not failed:
            self._move("answer", last.agent, parent, **closed, text=last.text)
        self._move("return", last.agent, parent, **closed, failed=failed, text=text)
        run = self._runs[activation.run]
        self._join_nodes(run, parent, activation.parent)
        if not run.parent:
            # The nodes of a graph that is a tool are its agent's, who goes on.
            owner = self.activations.get(activation.parent)
            run.active_agent, run.active_activation = (
                owner.agent if owner else parent,
                activation.parent,
            )

    def _last_after(self, activation: Activation) -> Activation:
        """Follows the transfers away from a frame to the last agent that ran in its place."""
        for _ in range(len(self.activations)):
            successor = self.activations.get(activation.successor)
            if successor is None:
                break
            activation = successor
        return activation

    def _come_back(self, record: Record, *, failed: bool, text: str) -> None:
        """Brings control from whoever ran last in a call back to the agent that made it."""
        activation = self.activations.get(self._latest.get(record.call, 0))
        if activation is not None:
            self._end_activation(activation.number, "return")
            cause = record.kind if record.kind in _CALLED else activation.cause
            closed = _Marks(activation=activation.number, cause=cause, call=record.call)
            if not failed:
                self._move("answer", activation.agent, record.agent, **closed, text=text)
            self._move(
                "return",
                activation.agent,
                record.agent,
                **closed,
                failed=failed,
                text=text if failed else "",
            )
        out = self._forks.get(record.activation)
        if out is not None:
            self._forks[record.activation] = out - 1
            if out == 1:
                del self._forks[record.activation]
                self._move("join", record.agent, record.agent, activation=record.activation)

    def _ran_agent(self, record: Record) -> bool:
        """Whether a tool call ran an agent: as ADK's agent tools do, or on a Runner of its own."""
        activation = self.activations.get(self._latest.get(record.call, 0))
        return record.kind in _CALLED or (
            record.kind == "function" and activation is not None and activation.run != record.run
        )

    def _finish_task(self, call: str) -> None:
        """Brings control back from a task agent once its call has been answered."""
        activation = self.activations.get(self._latest.get(call, 0))
        if activation is None or activation.cause != "task":
            return
        run = self._runs.get(activation.run)
        parent = self._parent_of(activation)
        self._end_activation(activation.number, "return")
        closed = _Marks(activation=activation.number, cause="task", call=call)
        self._move(
            "answer", activation.agent, parent, **closed, text=self._record.text or activation.text
        )
        self._move("return", activation.agent, parent, **closed)
        if run is not None and not run.parent:
            run.active_agent, run.active_activation = parent, activation.parent

    def _end_run(self, record: Record, *, failed: bool) -> None:
        run = self._run(record)
        for activation in run.activations:
            self._end_activation(activation.number, record.hook)
        for number, parent in list(run.nodes):
            self._join_nodes(run, parent, number)
        if run.parent:
            return
        self._start_unframed(record)
        if run.finals and run.finals[-1][0] > run.replied:
            index, author, text, number = run.finals[-1]
            self._move("reply", author, USER, activation=number, text=text, record=index)
        for index, agent, number, call in run.waits.values():
            self._move("reply", agent, USER, activation=number, text=_wanted(call), record=index)
        error = record.error or run.error
        self._move(
            "end",
            run.active_agent,
            USER,
            activation=run.active_activation,
            failed=failed or bool(error),
            text=error,
        )

    # Conversation

    def _say(self, record: Record, activation: Activation | None) -> None:
        run = self._run(record)
        if activation is not None and record.final:
            activation.text, activation.spoke = record.text, True
        if run.parent or (activation is not None and self._is_called(activation)):
            return
        if activation is None and record.agent == USER:
            return
        if activation is not None and activation.cause == "node":
            if record.final:
                run.finals.append((self._index, record.agent, record.text, record.activation))
            return
        run.replied = self._index
        number = activation.number if activation else 0
        self._move("reply", record.agent, USER, activation=number, text=record.text)

    def _is_called(self, activation: Activation) -> bool:
        """Whether a frame runs, however deep, in the course of a call that awaits its answer."""
        seen: Activation | None = activation
        for _ in range(len(self.activations)):
            if seen is None:
                return False
            if seen.cause in _CALLED:
                return True
            seen = self.activations.get(seen.parent)
        return False

    # Bookkeeping

    def _parent_of(self, activation: Activation) -> str:
        parent = self.activations.get(activation.parent)
        return activation.parent_name or (parent.agent if parent else "")

    def _end_activation(self, number: int, by: str) -> Activation | None:
        """Ends a frame; gives it if it was open."""
        activation = self.activations.get(number)
        if activation is None or activation.ended >= 0:
            return None
        activation.ended, activation.ended_by = self._index, by
        return activation

    def _run(self, record: Record) -> _Run:
        run = self._runs.get(record.run)
        if run is None:
            parent = self.activations.get(record.parent) if record.hook != "before_agent" else None
            if parent is None:
                self.turns += 1
            turn = parent.turn if parent else self.turns
            run = _Run(turn, record.parent if parent else 0, record.call if parent else "")
            self._runs[record.run] = run
        return run

    def _move(
        self,
        kind: Control | Conversation,
        source: str,
        target: str,
        *,
        activation: int,
        cause: str = "",
        parent: int = 0,
        call: str = "",
        text: str = "",
        failed: bool = False,
        record: int = -1,
    ) -> None:
        run = self._run(self._record)
        self._moves.append(
            Move(
                kind=kind,
                source=source,
                target=target,
                turn=run.turn,
                time=self._record.time,
                record=self._index if record < 0 else record,
                cause=cause,
                activation=activation,
                parent=parent,
                call=call,
                text=text,
                failed=failed,
            )
        )


def _wanted(call: FunctionCall) -> str:
    """Says what a run waits for: the question if ADK's call holds one, else the call."""
    told = call.text
    try:
        arguments = msgspec.json.decode(told or "{}", type=dict)
        confirmed = arguments.get("toolConfirmation")
        hint = confirmed.get("hint") if isinstance(confirmed, dict) else ""
        told = str(arguments.get("message") or hint or told)
    except msgspec.DecodeError:  # a preview, cut short
        pass
    return f"waits for {call.name}: {told}".removesuffix(": ")


def moves(records: Iterable[Record]) -> list[Move]:
    """Reads the moves of a whole log, in the order in which they happened."""
    reader = FlowReader()
    return [move for record in records for move in reader.read(record)]
