"""The one reading of a flow log: records in, turns with moves and calls out.

It tells a flow while it happens and reads a finished log alike, and holds no more than the turns
under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from msgspec.structs import replace

from adk_flow.analysis import (
    control_moves,
    conversation_moves,
    hidden_hooks,
    live,
    nodes,
    unseen_calls,
)
from adk_flow.analysis.calls import (
    Answers,
    ToolCalls,
    answer_model,
    ask_model,
    change_request,
    enter_model,
    read_model_event,
    scope_of,
)
from adk_flow.analysis.move import USER, Moment, Move
from adk_flow.analysis.trace import (
    CALLED,
    Activation,
    HiddenHook,
    Message,
    Run,
    SessionChange,
    Trace,
    Turn,
    Write,
)
from adk_flow.log.reader import Log, read_log
from adk_flow.log.schema import AGENT_CALLS, Record
from adk_flow.log.story import join_logs

_LATE = 2
"""Ended turns that are held on to: a plugin that fails in `after_run` ends its turn once more."""
_MOST = 64
"""Turns held behind one that has not ended; ADK 2.0 and 2.1 never tell an end."""

_IN_A_ROW = 1 << 17
"""Characters, 200 a record and its words, after which turns are given in a row: reading and
measuring turn by turn takes a tenth longer, in a cache that two share."""

_FINISHED = "Task completed."
"""What ADK gives to the end of a task (2.13, agents/llm/task/_finish_task_tool.py)."""

_OPENS_RUN = frozenset(
    {
        *("session_change", "user_message", "before_run"),
        *("before_agent", "event", "after_run", "run_error"),
    }
)
"""Hooks by which a run is known whose beginning was not recorded."""


SESSIONS = 256
"""Sessions that are read while they are recorded; turns of an older one begin again at 1."""


class TraceReader:
    """Turns records into moves one by one, and gathers them and the calls into turns."""

    def __init__(self) -> None:
        self.turns: dict[int, Turn] = {}
        """Those not yet released, by number."""
        self.activations: dict[int, Activation] = {}
        """Theirs, by number."""
        self._count = 0
        self._index = -1
        self._runs: dict[int, Run] = {}
        self._calls = ToolCalls()
        self._answers = Answers()
        self._changes: set[tuple[tuple[int, int] | None, str]] = set()
        self._tasks: dict[str, tuple[str, str]] = {}
        """Tasks of the session that are not answered: who asked whom, by call id."""
        self._answered: set[str] = set()
        """Call ids of those that are."""
        self._handlers: dict[str, Callable[[Moment, Record, Run], None]] = {
            name.removeprefix("_on_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_on_")
        }

    def read(self, record: Record) -> list[Move]:
        """Reads the next record and gives the moves that it shows; mostly none."""
        self._index += 1
        run = self._runs.get(record.run) or self._open_run(record)
        if run is None:
            return []
        activation = self.activations.get(record.activation)
        if activation is not None and activation.place and record.hook != "before_agent":
            record = replace(record, agent=activation.place)
        moment = Moment(self._index, record)
        if run.live and live.is_live(run, activation) and live.begins_turn(record, run, activation):
            self._go_on(moment, run)
        turn = run.turn
        if record.time > turn.ended and not (run.live and turn.complete):
            turn.ended = record.time
        if not turn.agent:
            turn.agent = record.agent
        handle = self._handlers.get(record.hook)
        if handle is not None:
            handle(moment, record, run)
            if moment.moves:
                moves, is_live = moment.moves, run.live  # whose turn may have been ended by them
                turn.moves += [m for m in moves if m.turn == turn.number] if is_live else moves
                if record.size:
                    turn.worded.add(self._index)
            if turn.end >= 0:
                turn.moves.sort(key=attrgetter("record"))
        return moment.moves

    def turn_of(self, record: Record) -> Turn | None:
        """Finds the turn of a record read, if it is not yet released."""
        run = self._runs.get(record.run)
        return run.turn if run is not None else None

    def is_nested(self, record: Record) -> bool:
        """Whether a record read comes from a run that ADK's session does not show."""
        run = self._runs.get(record.run)
        return run is not None and run.parent is not None

    def release(self) -> Iterator[Turn]:
        """Gives the turns that can change no more, in their order, and forgets them."""
        over = [number for number, turn in self.turns.items() if turn.end >= 0][:-_LATE]
        latest = over[-1] if over else 0
        for turn in list(self.turns.values()):
            is_over = turn.complete and turn.number <= latest
            if not is_over and turn.number > self._count - _MOST:
                return
            yield self._forget(turn)

    def trace_of(self, log: Log) -> Trace:
        """Gives the turns of a log that was read so far, and which of them lack lines of it."""
        for turn in self.turns.values():
            turn.note_losses(log.holes)
        return Trace(log, list(self.turns.values()))

    def _forget(self, turn: Turn) -> Turn:
        del self.turns[turn.number]
        for run in turn.runs:
            if run.turn is turn:
                self._runs.pop(run.number, None)
                del run.turn  # so that it goes without a search for garbage
        for activation in turn.activations:
            if activation.run not in self._runs:
                self.activations.pop(activation.number, None)
        self._calls.release(turn)
        return turn

    def _open_run(self, record: Record) -> Run | None:
        if record.hook not in _OPENS_RUN:
            return None
        named = record.hook != "before_agent"
        parent = self.activations.get(record.parent) if named else None
        outer = self._runs.get(parent.run) if parent else None
        turn = outer.turn if outer else None
        if turn is None:
            parent, turn = None, self._open_turn(record)
        run = self._runs[record.run] = Run(record.run, turn, self._index, parent)
        if parent is not None:
            if record.call:
                run.call = self._calls.find(record.call, parent.number)
            run.call_id = record.call
        turn.runs.append(run)
        return run

    def _open_turn(self, record: Record) -> Turn:
        self._count += 1
        turn = self.turns[self._count] = Turn(self._count, self._index, record.time)
        return turn

    def _go_on(self, moment: Moment, run: Run) -> None:
        """Opens the next turn of a live session."""
        live.complete_turn(moment, run)
        run.turn.moves += moment.moves
        run.turn = self._open_turn(moment.record)
        run.turn.runs.append(run)
        run.turn.agent = run.active_agent
        control_moves.start(moment, run, run.active_agent, run.active_activation)
        live.take_up(moment, run)

    # Hooks

    def _on_user_message(self, moment: Moment, record: Record, run: Run) -> None:
        run.words = record.text
        if run.parent is None:
            run.turn.question, run.turn.invocation = record.text, record.invocation
            run.turn.answers = record.responses

    def _on_session_change(self, moment: Moment, record: Record, run: Run) -> None:
        change = record.compacted, record.rewound
        if change not in self._changes:  # as each worker tells anew of a session's past
            self._changes.add(change)
            run.turn.changes.append(SessionChange(moment.index, *change))

    def _on_before_run(self, moment: Moment, record: Record, run: Run) -> None:
        if record.text:
            run.words = record.text
            if run.parent is None:
                run.turn.question = record.text
        run.active_agent, run.live = run.active_agent or record.agent, record.live
        run.ahead, run.resumable = frozenset(record.ahead), record.resumable
        run.shared = frozenset(record.shared)

    def _on_before_agent(self, moment: Moment, record: Record, run: Run) -> None:
        if record.cause == "resume" and record.activation in self.activations:
            resumed = self.activations[record.activation]
            resumed.awaits_model = True
            if asked := run.model_calls.get(record.activation):
                asked.is_over = True
            run.turn.resumed.append((moment.index, resumed))
            return
        if task := self._calls.replayed(record, run):
            place = {"parent": task.activation, "parent_name": task.agent}
            record = replace(record, cause="task", call=task.id, **place)
        activation = self._begin_activation(record, run)
        _forgive(run, activation.path)
        if record.hidden:
            hidden_hooks.note_hidden(run, "before_agent", record.agent, record.agent, moment.index)
        control_moves.begin(moment, run, activation)

    def _begin_activation(self, record: Record, run: Run) -> Activation:
        source, path = self.activations.get(record.parent), record.path
        activation = Activation(
            number=record.activation,
            agent=record.place or record.agent,
            place=record.place,
            cause=record.cause,
            run=record.run,
            turn=run.turn.number,
            began=self._index,
            time=record.time,
            parent=record.parent,
            parent_name=record.parent_name,
            source=source,
            branch=record.branch,
            path=path if path and nodes.node_name(path) == record.agent else "",
            is_remote=record.kind == "a2a" and not run.live,  # where ADK has none (2.13)
            asks_elsewhere=record.kind == "elsewhere",
            stages=record.stages,
            asks_models=not (record.kind or record.hidden),
            call=record.call or run.call_id,
            is_called=record.cause in CALLED or (source is not None and source.is_called),
        )
        call = self._calls.enter(self._index, record, run) if record.call else run.call
        if call is not None:
            activation.within = call
            activation.is_called |= record.cause == "node" and call.kind in CALLED
            if record.cause in AGENT_CALLS:
                call.heads.append(activation)
        activation.scope = scope_of(activation)
        if record.activation:
            self.activations[record.activation] = activation
        run.activations.append(activation)
        run.turn.activations.append(activation)
        return activation

    def _on_after_agent(self, moment: Moment, record: Record, run: Run) -> None:
        activation = self.activations.get(record.activation)
        if activation is None:
            return
        if activation.closed >= 0:  # ADK itself spoke for it, as it does in a model's place
            _forget(run.turn.hidden_hooks, activation.closed)
            return
        hidden_hooks.miss_question(run, activation)
        activation.closed = moment.index
        nodes.end_nodes(moment, run, activation, failed=False)
        nodes.end_activation(activation, moment, "after_agent")
        if activation.cause == "node":
            error = activation.error
            control_moves.leave_node(moment, run, activation, failed=bool(error), text=error)

    def _on_agent_error(self, moment: Moment, record: Record, run: Run) -> None:
        activation = self.activations.get(record.activation)
        if activation is None:
            return
        activation.error = record.error
        for call in self._calls.leave(moment.index, record):
            if "after_tool" in run.ahead:
                hidden_hooks.miss_tool_end(run, call)
        if activation.ended_by == "after_agent" and activation.returned:
            # Its `after_agent_callback` failed, so that what it had given back does not count.
            back = ("return", activation.last.number, activation.closed)
            moves = run.turn.moves
            moves[:] = [m for m in moves if (m.kind, m.activation, m.record) != back]
            place, error = (activation, activation.parent_agent, "node"), record.error
            nodes.come_back_from(moment, run, *place, failed=True, text=error)
            return
        control_moves.fail(moment, run, activation)

    def _on_before_model(self, moment: Moment, record: Record, run: Run) -> None:
        ask_model(moment.index, record, run)
        if record.heard and live.is_live(run, self.activations.get(record.activation)):
            live.hear(moment, record, run)

    def _on_changed_request(self, moment: Moment, record: Record, run: Run) -> None:
        change_request(record, run)

    def _on_after_model(self, moment: Moment, record: Record, run: Run) -> None:
        activation = self.activations.get(record.activation)
        if live.is_live(run, activation):
            return
        answer_model(moment.index, record, run)
        if record.hidden and "after_model" in run.ahead:
            name = record.agent
            hidden_hooks.note_hidden(run, "after_model", name, name, moment.index)
        control_moves.fork(moment, run, activation)

    def _on_model_error(self, moment: Moment, record: Record, run: Run) -> None:
        if not live.is_live(run, self.activations.get(record.activation)):
            answer_model(moment.index, record, run)

    def _on_model_call(self, moment: Moment, record: Record, run: Run) -> None:
        enter_model(moment.index, record, run)
        if record.kind == "connection":
            live.compose(record, run)
        hidden_hooks.miss_answer(moment.index, record, run)

    def _on_before_tool(self, moment: Moment, record: Record, run: Run) -> None:
        call = self._calls.begin(moment.index, record, run)
        control_moves.fork_again(moment, run, call, self.activations.get(record.activation))
        if record.kind == "node_tool":
            control_moves.call_graph(moment, run)

    def _on_changed_arguments(self, moment: Moment, record: Record, run: Run) -> None:
        self._calls.change(record, run)
        if record.kind == "node_tool":
            conversation_moves.ask_otherwise(record, run)

    def _on_after_tool(self, moment: Moment, record: Record, run: Run) -> None:
        call, again = self._calls.end(moment.index, record, run)
        if call is not None and call.record < 0 and "before_tool" in run.ahead:
            hidden_hooks.note_hidden(run, "before_tool", record.agent, record.tool, moment.index)
        if record.hidden and "after_tool" in run.ahead:
            hidden_hooks.note_hidden(run, "after_tool", record.agent, record.tool, moment.index)
        if call is not None and not again and hidden_hooks.is_reflected(record):
            hidden_hooks.miss_tool_error(run, call, record)
        if run.live and record.kind == "finish_task" and record.text == _FINISHED:
            self._on_after_agent(moment, record, run)  # ADK calls no `after_agent` (2.13)
        if not again and control_moves.ran_agent(record, call):
            caller, failed = self.activations.get(record.activation), record.hook == "tool_error"
            failed = failed or bool(call and call.failed)
            control_moves.come_back(moment, run, call, caller, failed=failed)

    _on_tool_error = _on_after_tool

    def _on_event(self, moment: Moment, record: Record, run: Run) -> None:
        activation = self.activations.get(record.activation)
        is_remote = activation is not None and activation.is_remote
        if activation is not None and not activation.asks_models:
            unseen_calls.note_elsewhere(moment.index, record, run, activation)
        if record.calls:
            is_unseen = activation is not None and activation.is_unseen
            self._ask(moment, record, run, is_unseen=is_unseen)
        if record.responses:
            self._respond(moment, record, run, activation)
        if activation is not None and hidden_hooks.ends_unseen(moment, run, activation):
            hidden_hooks.note_hidden(run, "after_agent", record.agent, record.agent, moment.index)
            self._on_after_agent(moment, record, run)
        if activation is not None and is_remote:
            unseen_calls.read_peer(moment.index, record, activation)
        is_live = live.is_live(run, activation)
        if not (is_remote or is_live):
            read_model_event(moment.index, record, run, self._answers)
        if not run.started:
            control_moves.start_without_agent(moment, run)
        if record.route and not record.partial:
            run.routes[record.path] = record.route
            run.turn.routed.append((moment.index, record))
        if not record.activation and record.agent != USER:
            self._read_unplaced(moment, record, run)
        if is_live:
            live.hear(moment, record, run)
            live.exchange(moment, record, run, activation)
            control_moves.fork(moment, run, activation)
        if activation is not None and (record.transfer or record.state or record.escalate):
            self._read_actions(moment, record, run, activation)
        self._read_words(moment, record, run, activation)
        if record.turn_complete and is_live and live.is_connected(activation):
            live.complete_exchange(moment, run)

    def _read_unplaced(self, moment: Moment, record: Record, run: Run) -> None:
        """An event of nobody that began: of an agent whose hook was hidden, or of a function."""
        is_shown = bool(record.size or record.error) and not record.partial
        is_unseen = is_shown and control_moves.begin_unseen(moment, run)
        if record.path and not (is_unseen or record.replayed):
            nodes.run_function(moment, run)

    def _ask(self, moment: Moment, record: Record, run: Run, *, is_unseen: bool) -> None:
        if not record.partial:  # a streamed call's arguments are still coming in
            self._calls.ask(moment.index, record, run, is_unseen=is_unseen)
        for call in record.calls:
            if call.id in record.pending:
                run.waits[call.id] = (moment.index, record.agent, record.activation, call)
            if call.kind == "task" and not run.parent and call.id not in self._answered:
                self._tasks.setdefault(call.id, (record.agent, call.name))

    def _respond(
        self, moment: Moment, record: Record, run: Run, activation: Activation | None
    ) -> None:
        for id in record.responses:
            run.waits.pop(id, None)
            if self._tasks.pop(id, None):
                self._answered.add(id)
        for call in self._calls.respond(moment.index, record, run):
            if activation is None or not activation.is_unseen:
                hidden_hooks.miss_tool_end(run, call)
            control_moves.end_call(moment, run, call, activation)

    def _read_actions(
        self, moment: Moment, record: Record, run: Run, activation: Activation
    ) -> None:
        if record.escalate and not record.partial:
            run.turn.escalations.append((moment.index, record.agent))
        if record.transfer:
            activation.target = record.transfer
            nodes.end_activation(activation, moment, "transfer")
        if record.state and not record.partial:
            keys = (key for key in record.state if not key.startswith("_adk"))
            run.turn.writes += [Write(moment.index, activation, key) for key in keys]

    def _read_words(
        self, moment: Moment, record: Record, run: Run, activation: Activation | None
    ) -> None:
        turn, is_shown = run.turn, run.parent is None
        if record.error and record.final:
            if activation is not None:
                activation.error = record.error
                if activation.cause == "node":
                    # ADK has no hook for what a graph finds wrong with its node's output.
                    control_moves.fail(moment, run, activation)
                if activation.is_called:
                    return  # its caller is given the error as a result
            elif nodes.parent_of(run, record.path, record.branch)[0]:
                return  # so is the agent whose node it is
            run.error, run.failed_path = record.error, record.path
            if is_shown:
                turn.failed, turn.error = True, record.error
        elif run.failed_path:
            _forgive(run, record.path)
        if record.size and not (record.partial or record.error):
            run.error = ""
            if activation is not None:
                activation.error = ""
            if is_shown and record.agent != USER:
                place = (moment.index, record.agent, record.activation)
                message = Message(*place, record.text, record.final, bool(record.responses))
                turn.messages.append(message)
                if record.final:
                    turn.failed, turn.error = False, ""
            conversation_moves.reply(moment, run, activation)

    def _on_after_run(self, moment: Moment, record: Record, run: Run) -> None:
        failed, turn = record.hook == "run_error", run.turn
        if run.live and turn.complete and not failed:
            return
        self._end_calls(moment, run)
        control_moves.end(moment, run, failed=failed)
        if not failed:
            hidden_hooks.miss_events(run)
        if run.parent is not None:
            return
        turn.end = moment.index
        turn.active_agent = turn.active_agent or record.active_agent
        if failed:
            turn.failed, turn.error = True, record.error
        if run.active_activation is None:
            # A workflow has no activation, and ADK asks only agents who is next.
            turn.active_agent = turn.active_agent or run.active_agent
        turn.active_agent = self._reads_next(turn.active_agent)

    def _end_calls(self, moment: Moment, run: Run) -> None:
        """A run ends, and with it the calls of agents that never came back: ADK tells no end."""
        if run.waits and not run.parent:
            return
        error = moment.record.error or "did not come back"
        for call in self._calls.abandon(moment.index, moment.record, run):
            caller = self.activations.get(call.activation)
            control_moves.end_call(moment, run, call, caller, error)

    def _reads_next(self, agent: str) -> str:
        """Finds who reads the next message: ADK begins with who delegated a task, which goes on."""
        tasks = dict(reversed(self._tasks.values()))
        while agent in tasks:
            agent = tasks.pop(agent)
        return agent

    _on_run_error = _on_after_run


def _forgive(run: Run, path: str) -> None:
    """A graph tries the node again that had failed."""
    if path and path == run.failed_path:
        run.error = run.failed_path = ""
        if run.parent is None:
            run.turn.failed, run.turn.error = False, ""


def _forget(hooks: list[HiddenHook], record: int) -> None:
    hooks[:] = [one for one in hooks if one[:1] + one.records != ("after_agent", record)]


def read_turns(records: Iterable[Record]) -> Iterator[Turn]:
    """Gives the turns of a log one after another, in their order, some time after they end."""
    reader, over, size = TraceReader(), list[Turn](), 0
    for record in records:
        reader.read(record)
        size += 200 + len(record.text)
        if record.hook == "user_message":
            over += reader.release()
            if size > _IN_A_ROW:
                yield from over
                over.clear()
                size = 0
    yield from over
    yield from reader.turns.values()


def trace_log(log: Log) -> Trace:
    """Reads all turns of a log."""
    reader = TraceReader()
    for record in log.records:
        reader.read(record)
    return reader.trace_of(log)


def read_trace(*paths: str | Path) -> Trace:
    """Reads a session and all its turns, from its flow log or several: parts of it, A2A servers'.

    Raises:
      LogError: one cannot be read, or does not belong to the first.
    """
    return trace_log(join_logs([read_log(path) for path in paths]))
