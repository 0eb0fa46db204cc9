"""Which model or tool call a record belongs to; ids of function calls may repeat, also at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adk_flow.analysis.trace import CALLED, Activation, ModelCall, Response, Run, ToolCall, Turn
from adk_flow.log.schema import AGENT_CALLS, FunctionCall, Record

_LATEST_ANSWERS = 256


def ask_model(index: int, record: Record, run: Run) -> ModelCall:
    """A model is asked; what the same activation asked before is over."""
    call, before = add_call(index, record, run), run.model_calls.get(record.activation)
    if before is not None:
        call.before, before.before = before, None
    run.model_calls[record.activation] = call
    return call


def call_of_event(record: Record, run: Run) -> ModelCall | None:
    """Finds the model call that an event is of.

    An agent of the app's may hand an event on when its activation asks the next model already, or
    run an agent several times at once, whose events do not tell which of them they are of.
    """
    call = run.model_calls.get(record.activation)
    if call is None or call.has_answer or call.is_over:
        return call
    others = (each for each in run.model_calls.values() if each.agent == call.agent)
    told = (each for each in (call.before, *others) if each and _shows(record, each))
    return next(told, call)


def _shows(record: Record, call: ModelCall) -> bool:
    """Whether an event has an answer of a call."""
    answers = [(answer.text, _names_of(answer.calls)) for answer in call.responses]
    return record.usage == call.usage and (record.text, _names_of(record.calls)) in answers


def _may_answer(record: Record) -> bool:
    """Whether an event may be an answer in a model's place: its agent may have others to come."""
    has_words = bool(record.text or record.size or record.calls or record.usage)
    return has_words and not record.responses


def _names_of(calls: Iterable[FunctionCall]) -> list[tuple[str, str]]:
    return [(call.name, call.text) for call in calls]


def enter_model(index: int, record: Record, run: Run) -> None:
    """A model was entered of which no hook tells; its record comes once it ended."""
    if record.replayed:
        return
    call = add_call(index, record, run)
    call.began, call.within = record.time - record.took, record.call
    call.was_made = call.is_over = True
    _take_answer(call, index, record)
    call.has_answer = not record.error
    asked = run.model_calls.get(record.activation)
    if asked is not None and not asked.was_made:
        asked.was_entered, asked.usage = True, None
    elif record.activation and not call.within and (asked is None or asked.is_over):
        # A plugin before the recorder asked it, and hid the question: its event is yet to come.
        run.model_calls[record.activation], call.is_over = call, False
        call.responses.append(Response(index, "", ()))


def add_call(index: int, record: Record, run: Run) -> ModelCall:
    """Adds a call that begins with a record."""
    call = ModelCall(
        record=index,
        began=record.time,
        turn=run.turn.number,
        run=run.number,
        activation=record.activation,
        agent=record.agent,
        model=record.model,
        request=record.request if record.request and record.request.is_known else None,
        nested=run.parent is not None,
        is_summary=record.kind == "summarizer",
    )
    run.turn.model_calls.append(call)
    return call


def change_request(record: Record, run: Run) -> None:
    """A callback changed what a model is sent, after the hook that told it."""
    call = run.model_calls.get(record.activation)
    if call is not None and not call.is_over and record.request is not None:
        call.request = record.request if record.request.is_known else None
        call.model = record.model or call.model


def answer_model(index: int, record: Record, run: Run) -> None:
    """A model answers; a streamed call may give several whole responses, each after its event.

    The usage of each is that of the call so far (2.13, utils/streaming_utils.py). What one asks for
    runs before the next is read: by ADK 1, and by 2 without progressive streaming.
    """
    call = run.model_calls.get(record.activation)
    if call is not None and _is_streamed_on(record, run, call):
        call.usage = record.usage or call.usage
    elif call is None or call.is_over:
        if record.partial or record.usage is None:
            return
        call = ask_model(index, record, run)  # its beginning was not recorded
    if record.replayed:
        call.replayed = True
        return
    if not call.is_over:
        _take_answer(call, index, record)
    call.was_made = True
    if record.hook == "model_error":
        call.is_over = True
        return
    call.has_answer = True
    if not record.partial:
        call.responses.append(Response(index, record.text, record.calls))


def _is_streamed_on(record: Record, run: Run, call: ModelCall) -> bool:
    """Whether a call goes on that had asked for what has run: no other was asked."""
    is_answer = record.hook == "after_model" and not (record.hidden or record.replayed)
    return call.is_over and call.has_answer and is_answer and "before_model" not in run.ahead


def _take_answer(call: ModelCall, index: int, record: Record) -> None:
    call.model, call.version = record.model or call.model, record.version or call.version
    call.usage = record.usage or call.usage
    if not record.partial:
        call.ended, call.ended_time, call.error = index, record.time, record.error
        call.finish = record.finish


class Answers:
    """The latest answers of models that were seen, by which one is known that is given again."""

    def __init__(self) -> None:
        self._turns: dict[int, int] = {}
        """By hash."""

    def is_given_again(self, record: Record, run: Run, call: ModelCall | None) -> bool:
        """Whether an event has, unasked, what a model gave in an earlier turn to the same words."""
        if not run.words or call is None:
            return False
        calls = tuple(_names_of(record.calls))
        answer = hash((run.words, record.agent, record.text, calls, record.usage))
        if call.was_made or call.was_entered:
            self._turns[answer] = run.turn.number
            if len(self._turns) > _LATEST_ANSWERS:
                del self._turns[next(iter(self._turns))]
            return False
        return self._turns.get(answer, run.turn.number) < run.turn.number


def read_model_event(index: int, record: Record, run: Run, answers: Answers) -> None:
    """An event reports a call's usage, shows that it was answered in the model's place, or ends it.

    Several events with usage belong to one call if they are its several responses. A plugin before
    the recorder may have hidden either hook of it.
    """
    call = call_of_event(record, run)
    if record.partial:
        return
    usage, is_shown = record.usage, run.parent is None
    if record.replayed or (usage is not None and answers.is_given_again(record, run, call)):
        if call is not None and not call.is_over:
            call.replayed = call.replaced = call.is_over = True
        return
    shown = call.record if call else index
    if is_shown and usage is not None:
        run.turn.reported[shown] = usage
    elif is_shown and call and call.has_answer and not (call.is_over or record.responses):
        run.turn.reported.setdefault(shown, None)
    if call is None or record.error:
        return
    if call.ended < 0 and call.has_answer:
        _take_answer(call, index, record)
        call.responses.append(Response(index, record.text, record.calls))
    elif call.ended < 0 and not call.is_over and _may_answer(record):
        call.replaced = call.is_over = True
        call.usage = None if call.was_entered else usage
    elif record.responses or record.transfer:
        call.is_over = True


class ToolCalls:
    """The tool calls under way, found by the activation that made them and by their id."""

    def __init__(self) -> None:
        self._open: dict[str, list[ToolCall]] = {}
        self._latest: dict[str, ToolCall] = {}

    def ask(self, index: int, record: Record, run: Run, *, is_unseen: bool = False) -> None:
        """An event asks for calls; those of a remote agent run where nobody sees them."""
        for asked in record.calls:
            # A remote task that waits tells once more for what.
            calls = self._at(asked.id, record.activation, run)
            begun = [c for c in calls if c.asked < 0 or (is_unseen and c.pending)]
            call = begun[0] if begun else self._add(asked, record, run)
            call.asked, call.text = index, call.text or asked.text
            call.model_call = call_of_event(record, run)
            call.pending = asked.id in record.pending
            if is_unseen and call.record < 0:
                call.record, call.began = index, record.time

    def begin(self, index: int, record: Record, run: Run) -> ToolCall:
        """A tool's hook tells that it begins."""
        # A task that ADK cannot run where it is asked for begins twice.
        calls = [
            call
            for call in self._open.get(record.call, ())
            if (call.record < 0 or call.kind == "task") and call.run == run.number
        ]
        call = _nearest(calls, record.activation)
        if call is None:
            call = self._add(FunctionCall(record.tool, record.kind, record.call), record, run)
        call.name, call.kind, call.text = record.tool, record.kind, record.text
        call.agent, call.activation, call.task = record.agent, record.activation, record.task
        call.record, call.began = index, record.time
        if model_call := run.model_calls.get(record.activation):
            model_call.is_over = True
        return call

    def change(self, record: Record, run: Run) -> None:
        """A callback changed what a tool is called with, after the hook that told it."""
        for call in self._at(record.call, record.activation, run):
            if call.record >= 0 and call.task == record.task:
                call.text = record.text

    def enter(self, index: int, record: Record, run: Run) -> ToolCall | None:
        """An agent begins in the course of a call."""
        calls = self._open.get(record.call, [])
        unused = [call for call in calls if not call.heads]
        call = _nearest(unused or calls, record.parent) or self._latest.get(record.call)
        if call is None and record.cause in AGENT_CALLS:
            asked = FunctionCall(record.agent, record.cause, record.call)
            call = self._add(asked, record, run)
            call.agent, call.activation = record.parent_name, record.parent
        if call is not None and call.record < 0:
            call.record, call.began = index, record.time
        return call

    def replayed(self, record: Record, run: Run) -> ToolCall | None:
        """Finds the task for which an agent begins that is not its own: ids of calls repeat.

        ADK does not run the task's agent again, but whom it had handed over to under that id
        (2.13, workflow/_llm_agent_wrapper.py).
        """
        if record.call or not (record.cause == "node" or (record.cause == "user" and run.started)):
            return None
        waiting = (call for calls in self._open.values() for call in calls if call.kind == "task")
        asked = (c for c in waiting if c.asked >= 0 and c.record < 0 and c.run == run.number)
        is_here = record.cause == "user"
        return next((call for call in asked if is_here or call.activation == record.parent), None)

    def find(self, id: str, activation: int) -> ToolCall | None:
        """Finds the call that a nested run was started by."""
        return _nearest(reversed(self._open.get(id, [])), activation) or self._latest.get(id)

    def end(self, index: int, record: Record, run: Run) -> tuple[ToolCall | None, bool]:
        """A tool's hook tells its end; gives the call, and whether it had been told before.

        Of an error that a plugin makes a result, ADK tells both.
        """
        asked = self._at(record.call, record.activation, run)
        running = [call for call in asked if call.record >= 0]
        same_task = [call for call in running if call.task == record.task]
        call = next(iter(same_task or running), None)
        again = call is None
        if call is None:
            if asked:  # its beginning was hidden
                self._close(asked[0], index, record)
                return asked[0], False
            call = self._latest.get(record.call)
            if call is None or call.activation != record.activation or call.ended < 0:
                return None, False
        if call.kind == "task":
            return call, False  # which ADK cannot run where it is asked for, and keeps open
        self._close(call, index, record)
        if record.error:
            call.failed, call.error = call.failed or not again, record.error
        return call, again

    def respond(self, index: int, record: Record, run: Run) -> Iterator[ToolCall]:
        """An event answers calls; gives those whose end no hook had shown."""
        for id in filter(self._open.get, record.responses):
            calls = self._open[id]
            # A task's result is an event of the user's, and answers all that have its id.
            tasks = [call for call in calls if call.record >= 0 and call.kind == "task"]
            own = [call for call in calls if call.activation == record.activation]
            begun = [call for call in own if call.record >= 0]
            likely = tasks[::-1] or begun or [call for call in own if call.kind in CALLED]
            call = next(iter(likely), None)
            for other in tasks[:-1]:
                self._close(other, index, record)
            if call is not None:
                self._close(call, index, record)
                call.withheld |= call.record < 0  # a plugin answered, and hid that
                if call.kind == "task":  # which may have outlived the turn that it began in
                    self._latest.pop(id, None)
                yield call

    def abandon(self, index: int, record: Record, run: Run) -> list[ToolCall]:
        """Ends the calls of agents that a run left open, a turn's those of all runs in it."""
        if not self._open:
            return []
        calls = [call for calls in self._open.values() for call in calls if call.is_hooked]
        runs = {inner.number for inner in run.turn.runs} if run.parent is None else {run.number}
        left = [c for c in calls if c.run in runs and (c.heads or c.kind == "node_tool")]
        for call in left:
            self._close(call, index, record)
            call.failed, call.error = True, record.error
        return left[::-1]

    def leave(self, index: int, record: Record) -> list[ToolCall]:
        """Ends the functions that a failed agent left open: no hook told that one was done."""
        open_calls = [call for calls in self._open.values() for call in calls]
        of_agent = [c for c in open_calls if c.activation == record.activation and not c.pending]
        left = [call for call in of_agent if call.is_hooked and call.kind == "function"]
        for call in left:
            self._close(call, index, record)
        return left

    def release(self, turn: Turn) -> None:
        """Forgets the calls of a turn, but tasks that go on."""
        for call in turn.tool_calls:
            calls = self._open.get(call.id, [])
            if call in calls:
                if call.kind == "task" and call.record >= 0:
                    continue
                self._drop(call, calls)
            if self._latest.get(call.id) is call:
                del self._latest[call.id]

    def _add(self, asked: FunctionCall, record: Record, run: Run) -> ToolCall:
        call = ToolCall(
            id=asked.id,
            name=asked.name,
            kind=asked.kind,
            agent=record.agent,
            activation=record.activation,
            run=run.number,
            turn=run.turn.number,
            nested=run.parent is not None,
            text=asked.text,
        )
        self._open.setdefault(call.id, []).append(call)
        self._latest[call.id] = call
        run.turn.tool_calls.append(call)
        return call

    def _at(self, id: str, activation: int, run: Run) -> list[ToolCall]:
        number, calls = run.number, self._open.get(id, ())
        return [call for call in calls if call.activation == activation and call.run == number]

    def _close(self, call: ToolCall, index: int, record: Record) -> None:
        call.ended, call.ended_time = index, record.time
        call.withheld = call.withheld or bool(record.withheld) or record.replayed
        calls = self._open.get(call.id, [])
        if call in calls:
            self._drop(call, calls)

    def _drop(self, call: ToolCall, calls: list[ToolCall]) -> None:
        calls.remove(call)
        if not calls:
            self._open.pop(call.id, None)


def _nearest(calls: Iterable[ToolCall], activation: int) -> ToolCall | None:
    """Takes the first call that an activation made, else the first."""
    first = None
    for call in calls:
        if call.activation == activation:
            return call
        first = first or call
    return first


def scope_of(activation: Activation) -> ToolCall | None:
    """Finds the call of an agent, graph or task, in whose course an activation runs."""
    call = activation.within
    if activation.cause in AGENT_CALLS or (call is not None and call.kind == "node_tool"):
        return call
    source = activation.source
    if source is not None and source.scope is not None and is_given_back(activation):
        source = source.scope.heads[0].source
    return source.scope if source else None


def is_given_back(activation: Activation) -> bool:
    """Whether a task's agent had handed over to this one, which waited for it, and it was done."""
    task = activation.source.scope if activation.source else None
    if task is None or task.kind != "task" or activation.cause != "transfer":
        return False
    return task.ended >= 0 and task.agent == activation.agent
