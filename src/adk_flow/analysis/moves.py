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


class Move(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
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
    via: str = ""
    """Why the frame began that the move opens or closes, see `Record.why`."""
    frame: int = 0
    """The frame that begins (start, transfer, call, ask) or that ends or speaks (the others)."""
    caller: int = 0
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
class Frame:
    """One activation of an agent."""

    number: int
    agent: str
    why: str
    run: int
    turn: int
    caller: int = 0
    """Frame that called it or handed over to it; 0 for the user or a workflow."""
    parent: str = ""
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

    frame: int
    via: str
    call: str


@dataclass(slots=True)
class _Run:
    """A Runner activation as far as the records went."""

    turn: int
    caller: int = 0
    call: str = ""
    words: str = ""
    started: bool = False
    frames: list[Frame] = field(default_factory=list)
    holder: str = ""
    """Agent that faces the user."""
    holder_frame: int = 0
    nodes: dict[tuple[int, str], list[Frame]] = field(default_factory=dict)
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
        self.frames: dict[int, Frame] = {}
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
        return run is not None and bool(run.caller)

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
        run.holder = run.holder or record.agent

    def _on_before_agent(self, record: Record) -> None:
        run = self._run(record)
        if record.why == "resume" and record.frame in self.frames:
            return
        frame = self.frames[record.frame] = Frame(
            number=record.frame,
            agent=record.agent,
            why=record.why,
            run=record.run,
            turn=run.turn,
            caller=record.caller,
            parent=record.parent,
            call=record.call or run.call,
            began=self._index,
        )
        run.frames.append(frame)
        if frame.call:
            self._latest[frame.call] = frame.number
        {
            "transfer": self._transferred,
            "agent_tool": self._called,
            "single_turn": self._called,
            "task": self._called,
            "node": self._entered,
        }.get(frame.why, self._started)(run, frame)

    def _on_after_agent(self, record: Record) -> None:
        frame = self.frames.get(record.frame)
        if frame is None or frame.balanced:
            return
        frame.balanced = True
        self._end_frame(frame.number, "after_agent")
        if frame.why == "node":
            self._leave_node(frame, failed=False, text="")

    def _on_agent_error(self, record: Record) -> None:
        frame = self._end_frame(record.frame, "agent_error")
        if frame is not None and frame.why == "node":
            self._leave_node(frame, failed=True, text=record.error)

    def _on_after_model(self, record: Record) -> None:
        calls = [call.name for call in record.calls if call.kind in _CALLED]
        if len(calls) > 1 and not record.partial:
            self._forks[record.frame] = len(calls)
            self._move("fork", record.agent, ", ".join(calls), frame=record.frame)

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
                waits[call.id] = (self._index, record.agent, record.frame, call)
        for call in record.responses:
            waits.pop(call, None)
            self._finish_task(call)
        self._start_unframed(record)
        frame = self.frames.get(record.frame)
        if record.transfer and frame is not None:
            self._end_frame(frame.number, "transfer")
        if record.error and record.final:
            self._run(record).error = record.error
        elif record.size and not record.partial:
            self._run(record).error = ""
            self._say(record, frame)

    def _on_after_run(self, record: Record) -> None:
        self._end_run(record, failed=False)

    def _on_run_error(self, record: Record) -> None:
        self._end_run(record, failed=True)

    # Control

    def _start(self, run: _Run, agent: str, frame: Frame | None = None) -> None:
        """Gives control, and the user's words, to the agent or graph that a turn begins with."""
        run.started = True
        number, why = (frame.number, frame.why) if frame else (0, "user")
        run.holder, run.holder_frame = agent, number
        self._move("start", USER, agent, frame=number, via=why)
        self._move("say", USER, agent, frame=number, via=why, text=run.words)

    def _start_unframed(self, record: Record) -> None:
        """Starts a turn whose first event, or whose end, comes before any agent of it."""
        run = self._run(record)
        if not run.started and not run.caller and record.agent != USER:
            self._start(run, run.holder or record.agent or "app")

    def _started(self, run: _Run, frame: Frame) -> None:
        if not run.started and not run.caller:
            self._start(run, frame.agent, frame)
            return
        # ADK begins the delegating agent anew once its task agent has finished.
        run.holder, run.holder_frame = frame.agent, frame.number

    def _transferred(self, run: _Run, frame: Frame) -> None:
        source = self.frames.get(frame.caller)
        if source is not None:
            source.successor = frame.number
        self._move(
            "transfer",
            source.agent if source else frame.parent,
            frame.agent,
            frame=frame.number,
            caller=frame.caller,
            via=frame.why,
        )
        if not self._is_called(frame):
            run.holder, run.holder_frame = frame.agent, frame.number

    def _called(self, run: _Run, frame: Frame) -> None:
        caller = self._caller_of(frame)
        if frame.why == "task" and not run.started and not run.caller and not frame.caller:
            # A task that waited for the user goes on: the words are for the task agent.
            self._start(run, frame.agent, frame)
            return
        words = run.words if frame.why == "agent_tool" else self._asks.get(frame.call, "")
        opened = _Marks(frame=frame.number, via=frame.why, call=frame.call)
        self._move("call", caller, frame.agent, **opened, caller=frame.caller)
        self._move("ask", caller, frame.agent, **opened, caller=frame.caller, text=words)
        if frame.why == "task" and not run.caller:
            run.holder, run.holder_frame = frame.agent, frame.number

    def _entered(self, run: _Run, frame: Frame) -> None:
        caller = self._caller_of(frame)
        if not run.started and not run.caller:
            self._start(run, caller, frame)
        self._fork_nodes(run, caller, frame)
        self._move("call", caller, frame.agent, frame=frame.number, caller=frame.caller, via="node")

    def _fork_nodes(self, run: _Run, caller: str, frame: Frame) -> None:
        """Tells a fork when a second node begins beside an open one: nothing tells it earlier."""
        nodes = run.nodes.setdefault((frame.caller, caller), [])
        if not any(self._last_after(node).ended < 0 for node in nodes):
            nodes.clear()
        nodes.append(frame)
        if len(nodes) == 2:
            names = ", ".join(node.agent for node in nodes)
            self._move("fork", caller, names, frame=frame.caller, via="node")

    def _join_nodes(self, run: _Run, caller: str, number: int) -> None:
        """Tells a join once no node that ran beside another is open."""
        nodes = run.nodes.get((number, caller), [])
        if any(self._last_after(node).ended < 0 for node in nodes):
            return
        if len(nodes) > 1:
            self._move("join", caller, caller, frame=number, via="node")
        nodes.clear()

    def _leave_node(self, frame: Frame, *, failed: bool, text: str) -> None:
        caller, last = self._caller_of(frame), self._last_after(frame)
        closed = _Marks(frame=last.number, via="node", call="")
        if last.spoke and not failed:
            self._move("answer", last.agent, caller, **closed, text=last.text)
        self._move("return", last.agent, caller, **closed, failed=failed, text=text)
        run = self._runs[frame.run]
        self._join_nodes(run, caller, frame.caller)
        if not run.caller:
            # The nodes of a graph that is a tool are its agent's, who goes on.
            owner = self.frames.get(frame.caller)
            run.holder, run.holder_frame = owner.agent if owner else caller, frame.caller

    def _last_after(self, frame: Frame) -> Frame:
        """Follows the transfers away from a frame to the last agent that ran in its place."""
        for _ in range(len(self.frames)):
            successor = self.frames.get(frame.successor)
            if successor is None:
                break
            frame = successor
        return frame

    def _come_back(self, record: Record, *, failed: bool, text: str) -> None:
        """Brings control from whoever ran last in a call back to the agent that made it."""
        frame = self.frames.get(self._latest.get(record.call, 0))
        if frame is not None:
            self._end_frame(frame.number, "return")
            via = record.kind if record.kind in _CALLED else frame.why
            closed = _Marks(frame=frame.number, via=via, call=record.call)
            if not failed:
                self._move("answer", frame.agent, record.agent, **closed, text=text)
            self._move(
                "return",
                frame.agent,
                record.agent,
                **closed,
                failed=failed,
                text=text if failed else "",
            )
        out = self._forks.get(record.frame)
        if out is not None:
            self._forks[record.frame] = out - 1
            if out == 1:
                del self._forks[record.frame]
                self._move("join", record.agent, record.agent, frame=record.frame)

    def _ran_agent(self, record: Record) -> bool:
        """Whether a tool call ran an agent: as ADK's agent tools do, or on a Runner of its own."""
        frame = self.frames.get(self._latest.get(record.call, 0))
        return record.kind in _CALLED or (
            record.kind == "function" and frame is not None and frame.run != record.run
        )

    def _finish_task(self, call: str) -> None:
        """Brings control back from a task agent once its call has been answered."""
        frame = self.frames.get(self._latest.get(call, 0))
        if frame is None or frame.why != "task":
            return
        run = self._runs.get(frame.run)
        caller = self._caller_of(frame)
        self._end_frame(frame.number, "return")
        closed = _Marks(frame=frame.number, via="task", call=call)
        self._move("answer", frame.agent, caller, **closed, text=self._record.text or frame.text)
        self._move("return", frame.agent, caller, **closed)
        if run is not None and not run.caller:
            run.holder, run.holder_frame = caller, frame.caller

    def _end_run(self, record: Record, *, failed: bool) -> None:
        run = self._run(record)
        for frame in run.frames:
            self._end_frame(frame.number, record.hook)
        for number, caller in list(run.nodes):
            self._join_nodes(run, caller, number)
        if run.caller:
            return
        self._start_unframed(record)
        if run.finals and run.finals[-1][0] > run.replied:
            index, author, text, number = run.finals[-1]
            self._move("reply", author, USER, frame=number, text=text, record=index)
        for index, agent, number, call in run.waits.values():
            self._move("reply", agent, USER, frame=number, text=_wanted(call), record=index)
        error = record.error or run.error
        self._move(
            "end",
            run.holder,
            USER,
            frame=run.holder_frame,
            failed=failed or bool(error),
            text=error,
        )

    # Conversation

    def _say(self, record: Record, frame: Frame | None) -> None:
        run = self._run(record)
        if frame is not None and record.final:
            frame.text, frame.spoke = record.text, True
        if run.caller or (frame is not None and self._is_called(frame)):
            return
        if frame is None and record.agent == USER:
            return
        if frame is not None and frame.why == "node":
            if record.final:
                run.finals.append((self._index, record.agent, record.text, record.frame))
            return
        run.replied = self._index
        number = frame.number if frame else 0
        self._move("reply", record.agent, USER, frame=number, text=record.text)

    def _is_called(self, frame: Frame) -> bool:
        """Whether a frame runs, however deep, in the course of a call that awaits its answer."""
        seen: Frame | None = frame
        for _ in range(len(self.frames)):
            if seen is None:
                return False
            if seen.why in _CALLED:
                return True
            seen = self.frames.get(seen.caller)
        return False

    # Bookkeeping

    def _caller_of(self, frame: Frame) -> str:
        caller = self.frames.get(frame.caller)
        return frame.parent or (caller.agent if caller else "")

    def _end_frame(self, number: int, by: str) -> Frame | None:
        """Ends a frame; gives it if it was open."""
        frame = self.frames.get(number)
        if frame is None or frame.ended >= 0:
            return None
        frame.ended, frame.ended_by = self._index, by
        return frame

    def _run(self, record: Record) -> _Run:
        run = self._runs.get(record.run)
        if run is None:
            caller = self.frames.get(record.caller) if record.hook != "before_agent" else None
            if caller is None:
                self.turns += 1
            turn = caller.turn if caller else self.turns
            run = _Run(turn, record.caller if caller else 0, record.call if caller else "")
            self._runs[record.run] = run
        return run

    def _move(
        self,
        kind: Control | Conversation,
        source: str,
        target: str,
        *,
        frame: int,
        via: str = "",
        caller: int = 0,
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
                via=via,
                frame=frame,
                caller=caller,
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
