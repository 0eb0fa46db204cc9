"""Recognises moves of control: which agent runs, and whom it gives control to.

The words that go with a move stand in `conversation`.
"""

from __future__ import annotations

from msgspec.structs import replace

from adk_flow.analysis import conversation_moves, nodes
from adk_flow.analysis.calls import is_given_back
from adk_flow.analysis.move import USER, Moment, Move
from adk_flow.analysis.trace import CALLED, Activation, Run, ToolCall
from adk_flow.log.schema import AGENT_CALLS, Record


def start(moment: Moment, run: Run, agent: str, activation: Activation | None = None) -> None:
    """Gives control, and the user's words, to the agent or graph that a turn begins with."""
    run.started, run.first = True, agent
    number, cause = (activation.number, activation.cause) if activation else (0, "user")
    _face_user(run, agent, activation)
    moment.add("start", USER, agent, run.turn.number, number, cause)
    if not run.live:
        conversation_moves.say(moment, run, agent, number, cause)


def start_without_agent(moment: Moment, run: Run) -> None:
    """Starts a turn whose first event, or whose end, comes before any agent of it."""
    agent = moment.record.agent
    if not run.started and not run.parent and agent != USER:
        root = nodes.node_name(moment.record.path.partition("/")[0])
        start(moment, run, run.active_agent or root or agent or "app")


def begin(moment: Moment, run: Run, activation: Activation) -> None:
    """An agent begins to run: handed over to, called, a node, or the first of the turn."""
    cause = activation.cause
    if cause == "transfer":
        recognise_transfer(moment, run, activation)
    elif cause in AGENT_CALLS:
        call_agent(moment, run, activation)
    elif cause == "node":
        if not run.started and not run.parent:
            start(moment, run, activation.parent_agent, activation)
        nodes.open_node(moment, run, activation)
    elif not run.started and not run.parent:
        start(moment, run, activation.agent, activation)
    else:
        # ADK begins the delegating agent anew once its task agent has finished.
        _face_user(run, activation.agent, activation)


def recognise_transfer(moment: Moment, run: Run, activation: Activation) -> None:
    """An agent takes over from the one that handed over to it."""
    source = activation.source
    if is_given_back(activation):
        _face_user(run, activation.agent, activation)
        return
    if source is not None:
        source.successor = activation
    name = source.agent if source else activation.parent_name
    place = (run.turn.number, activation.number, activation.cause)
    moment.add("transfer", name, activation.agent, *place, parent=activation.parent)
    if not activation.is_called:
        _face_user(run, activation.agent, activation)


def begin_unseen(moment: Moment, run: Run) -> bool:
    """An event shows that control was handed over, where a plugin hid the hook that tells so."""
    record = moment.record
    names = (record.agent, nodes.node_name(record.path))
    source = next((act for act in reversed(run.activations) if act.ended_by == "transfer"), None)
    if source is None or source.successor or source.target not in names:
        return False
    place = {"run": run.number, "turn": run.turn.number, "began": moment.index, "path": record.path}
    target = Activation(0, source.target, "transfer", time=record.time, source=source, **place)
    target.is_called, target.text = source.is_called, record.text
    target.said = moment.index if record.size else -1
    recognise_transfer(moment, run, target)
    return True


def call_agent(moment: Moment, run: Run, activation: Activation) -> None:
    """An agent is called by another that waits for its answer, or delegates a task to it."""
    is_task = activation.cause == "task" and not run.parent
    if is_task and not run.started and not activation.parent:
        # A task that waited for the user goes on: the words are for the task agent.
        start(moment, run, activation.agent, activation)
        return
    if is_task:
        _face_user(run, activation.agent, activation)
    call = activation.within
    if activation.cause == "task" and call is not None and call.heads[0] is not activation:
        # A task's agent handed over to who waits for the task, which therefore goes on.
        source = call.heads[-2].last
        if source.ended_by == "transfer":
            place = (run.turn.number, 0, "transfer")
            moment.add("transfer", source.agent, source.target, *place, parent=source.number)
        return
    call, number, cause = activation.within, activation.number, activation.cause
    words = run.words if cause == "agent_tool" else call.text if call else ""
    place = (activation.parent_agent, activation.agent, run.turn.number, number, cause)
    conversation_moves.ask(moment, *place, activation.parent, activation.call, words)


def leave_node(
    moment: Moment, run: Run, activation: Activation, *, failed: bool, text: str
) -> None:
    """A node ends, and brings control back to the graph."""
    nodes.close_node(moment, run, activation, failed=failed, text=text)
    if not run.parent:
        # The nodes of a graph that is a tool are its agent's, who goes on.
        owner = activation.source
        _face_user(run, owner.agent if owner else run.first, owner)


def fail(moment: Moment, run: Run, activation: Activation) -> None:
    """An agent ends with an error, and with it its nodes."""
    nodes.end_nodes(moment, run, activation, failed=True)
    if nodes.end_activation(activation, moment, "agent_error") and activation.cause == "node":
        leave_node(moment, run, activation, failed=True, text=activation.error)


def call_graph(moment: Moment, run: Run) -> None:
    """An agent's tool is a graph, of which no hook tells."""
    record = moment.record
    place = (record.agent, record.tool, run.turn.number, 0, "node_tool")
    conversation_moves.ask(moment, *place, record.activation, record.call, record.text)


def fork(moment: Moment, run: Run, activation: Activation | None) -> None:
    """One model turn calls several agents."""
    record = moment.record
    if len(record.calls) < 2 or record.partial:
        return
    names = [call.name for call in record.calls if call.kind in CALLED]
    if len(names) > 1:
        if activation is not None:
            activation.calls_out = len(names)
        turn, number = run.turn.number, record.activation
        moment.add("fork", record.agent, ", ".join(names), turn, number)


def fork_again(moment: Moment, run: Run, call: ToolCall, activation: Activation | None) -> None:
    """Calls of agents that a pause had stopped begin once more, without a model's turn."""
    if activation is None or activation.number in run.model_calls or call.kind not in CALLED:
        return
    activation.calls_out += 1
    begun = [c for c in run.turn.tool_calls if c.activation == activation.number and c.is_hooked]
    calls = [c for c in begun if c.kind in CALLED and c.ended < 0]
    names, first = ", ".join(c.name for c in calls), calls[0]
    if fork := _fork_of(run, activation.number):
        run.turn.moves[run.turn.moves.index(fork)] = replace(fork, target=names)
    elif len(calls) > 1:
        moment.add("fork", call.agent, names, run.turn.number, activation.number)
        moves = run.turn.moves
        at = next((n for n, move in enumerate(moves) if move.record >= first.record), len(moves))
        moves.insert(at, replace(moment.moves.pop(), record=first.record, time=first.began))


def come_back(
    moment: Moment, run: Run, call: ToolCall | None, activation: Activation | None, *, failed: bool
) -> None:
    """A call of an agent ends: from whoever ran last in it, control goes back to its caller."""
    record, turn = moment.record, run.turn.number
    is_failed = failed or _is_failed_answer(record, call)
    for head in call.heads if call else ():
        last = head.last
        # A plugin before the recorder may have made a result of its error.
        failed = is_failed or last.ended_by == "agent_error"
        nodes.end_activation(last, moment, "return")
        if head.returned:
            continue
        nodes.end_nodes(moment, run, last, failed=failed)
        if not failed:
            answered = (record.agent, head.cause, record.call, record.text)
            conversation_moves.answer(moment, turn, last, *answered)
        error = (record.error or last.error or record.text) if failed else ""
        place = (record.agent, head.cause, record.call)
        nodes.come_back_from(moment, run, head, *place, failed=failed, text=error)
    graph = record.tool if record.kind == "node_tool" else call.graph if call else ""
    if record.withheld and call is not None:
        _withdraw(run, call, is_forked=bool(activation and activation.calls_out))
    elif graph:
        _leave_graph(moment, run, graph, failed=is_failed)
    if activation is not None and activation.calls_out:
        activation.calls_out -= 1
        if not activation.calls_out:
            _join(moment, run, activation)


def _withdraw(run: Run, call: ToolCall, *, is_forked: bool) -> None:
    """A call of an agent or a graph did not run, as something else gave its result."""
    moves, begun = run.turn.moves, (call.activation, call.id)
    first = call.record if call.record >= 0 else call.asked
    moves[:] = [
        move
        for move in moves
        if move.cause != "node_tool" or move.record < first or (move.parent, move.call) != begun
    ]
    if is_forked and (fork := _fork_of(run, call.activation)):
        names = fork.target.split(", ")
        if call.name in names:
            names.remove(call.name)
        moves[moves.index(fork)] = replace(fork, target=", ".join(names))


def _join(moment: Moment, run: Run, activation: Activation) -> None:
    """The last call of a fork is over, which was none if fewer than two of them ran."""
    fork, agent = _fork_of(run, activation.number), moment.record.agent
    if fork is not None and ", " not in fork.target:
        run.turn.moves.remove(fork)
    elif fork is not None:
        moment.add("join", agent, agent, run.turn.number, activation.number)


def _trim_fork(run: Run, activation: Activation) -> None:
    """Leaves of a fork that was not joined the calls that began; drops it if those are not two."""
    moves, fork = run.turn.moves, _fork_of(run, activation.number)
    if fork is not None:
        own = (c for c in run.turn.tool_calls if c.activation == activation.number)
        calls = (call for call in own if call.record >= fork.record and call.kind in CALLED)
        begun = {c.name for c in calls if c.heads or c.graph or c.kind == "node_tool"}
        names = [name for name in fork.target.split(", ") if name in begun]
        at = moves.index(fork)
        moves[at : at + 1] = [replace(fork, target=", ".join(names))] if len(names) > 1 else []


def _fork_of(run: Run, activation: int) -> Move | None:
    """Finds the latest fork of an activation's calls."""
    forks = (move for move in reversed(run.turn.moves) if move.kind == "fork" and not move.cause)
    return next((move for move in forks if move.activation == activation), None)


def end_call(
    moment: Moment, run: Run, call: ToolCall, caller: Activation | None, error: str = ""
) -> None:
    """A call of an agent ends without a hook: by an event, or by what ended its run."""
    if call.kind == "task":
        _finish_task(moment, run, call)
        return
    if call.has_run:  # a plugin before the recorder broke on what it gave
        error = ""
    text = call.heads[-1].last.text if call.heads else ""
    fields = {"kind": call.kind, "tool": call.name, "call": call.id, "text": text, "error": error}
    withheld = "answered" if call.record < 0 else ""
    record = replace(moment.record, agent=call.agent, withheld=withheld, **fields)
    hook = Moment(moment.index, record)
    if ran_agent(hook.record, call):
        come_back(hook, run, call, caller, failed=bool(error))
        moment.moves += hook.moves


def ran_agent(record: Record, call: ToolCall | None) -> bool:
    """Whether a tool call ran an agent: as ADK's agent tools do, or on a Runner of its own."""
    return record.kind in CALLED or bool(call and call.heads and record.kind == "function")


def _finish_task(moment: Moment, run: Run, call: ToolCall) -> None:
    """A task is done once its call is answered; control goes back to who delegated it."""
    if not call.heads:
        return
    activation = call.heads[-1]
    parent, turn = activation.parent_agent, run.turn.number
    last = activation.last
    nodes.end_activation(last, moment, "return")
    text = moment.record.text or last.text
    conversation_moves.answer(moment, turn, last, parent, "task", call.id, text)
    nodes.come_back_from(moment, run, activation, parent, "task", call.id)
    if activation.run == run.number and not run.parent:
        _face_user(run, parent, activation.source)


def end(moment: Moment, run: Run, *, failed: bool) -> None:
    """A run ends, and with it whatever is open in it; a turn's own gives control to the user."""
    record = moment.record
    nodes.call_unseen(moment, run, record.agent)
    if run.call is not None:
        # ADK 2.4 to 2.9 call `after_run` of a run that is cancelled, too.
        cut = (a.closed < 0 and not (a.ended_by or a.text) for a in run.activations)
        run.call.has_run = not (failed or any(cut))
        run.call.failed |= failed and run.call.kind == "agent_tool"
    for activation in run.activations:
        nodes.end_activation(activation, moment, record.hook)
    is_given_up = failed or bool(run.parent and run.waits)
    nodes.leave_graphs(moment, run, failed=is_given_up)
    for group in list(run.nodes):
        nodes.stop_nodes(moment, run, group, failed=is_given_up)
    if not run.parent:
        start_without_agent(moment, run)
        for activation in run.turn.activations:
            if activation.calls_out:
                _trim_fork(run, activation)
        end_turn(moment, run, failed=failed)


def end_turn(moment: Moment, run: Run, *, failed: bool) -> None:
    """A turn gives control back to the user."""
    record, turn = moment.record, run.turn
    if turn.complete:
        # Another plugin's `after_run` failed, once the recorder's had told the end.
        turn.moves = [move for move in turn.moves if move.kind != "end"]
    else:
        conversation_moves.ask_user(moment, run)
    error = record.error or run.error
    number = run.active_activation.number if run.active_activation else 0
    place = (run.active_agent, USER, turn.number, number)
    moment.add("end", *place, failed=failed or bool(error), text=error)


def _face_user(run: Run, agent: str, activation: Activation | None) -> None:
    run.active_agent, run.active_activation = agent, activation


def _leave_graph(moment: Moment, run: Run, graph: str, *, failed: bool) -> None:
    record, turn = moment.record, run.turn.number
    place = (graph, record.agent, turn, 0, record.kind)
    if not failed:
        moment.add("answer", *place, call=record.call, text=record.text)
    error = record.error if failed else ""
    moment.add("return", *place, call=record.call, failed=failed, text=error)


def _is_failed_answer(record: Record, call: ToolCall | None) -> bool:
    """Whether a result says that the called agent failed (2.13, tools/agent_tool.py)."""
    if call and any(head.last.error and not head.returned for head in call.heads):
        return True  # its last event was an error, which ADK gives as the result
    return record.kind == "single_turn" and record.text.startswith("Error running sub-agent:")
