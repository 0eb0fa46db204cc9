"""Live sessions: one run, read as a turn for each message of the user's and what it causes.

ADK calls no `after_model` there; usage, transcripts and `turn_complete` come on events (2.13,
live/_live_llm_flow.py).
"""

from __future__ import annotations

from typing import TypeGuard

from adk_flow.analysis import control_moves, conversation_moves
from adk_flow.analysis.calls import add_call
from adk_flow.analysis.move import USER, Moment
from adk_flow.analysis.trace import Activation, ModelCall, Response, Run
from adk_flow.log.schema import Record, Usage


def is_live(run: Run, activation: Activation | None) -> bool:
    """Whether an agent's model is connected: in the course of a call it is asked as ever."""
    if not run.live:
        return False
    scope = activation.scope if activation is not None else None
    return scope is None or scope.kind == "task"


def begins_turn(record: Record, run: Run, activation: Activation | None) -> bool:
    """Whether a record shows that the user, or the model, went on after a turn was complete."""
    if activation is not None and activation.ended >= 0:
        return False  # its `after_agent_callback` speaks
    call, is_heard = _latest(run), bool(record.heard and not record.partial)
    if not run.turn.complete:  # the model may have nothing to say to what its calls gave
        return is_heard and call is not None and call.is_over
    shows = is_heard or record.size or record.calls or record.partial
    # Sound has no words, and what it took comes before the end of its exchange.
    shows = shows or (record.usage is not None and call is not None and call.usage is not None)
    return record.hook == "before_model" or (record.hook == "event" and bool(shows))


def hear(moment: Moment, record: Record, run: Run) -> None:
    """The user's words, typed or spoken; ADK shows spoken words to `before_model` once more.

    Those that interrupt an answer are answered by the next.
    """
    words, spoken = record.heard, run.spoken
    if not words or record.partial:
        return
    run.spoken = words if record.hook == "event" else ""
    if record.hook == "before_model" and words == spoken:
        return
    if run.turn.was_asked and _is_answering(run):
        run.barged_in.append(words)
    else:
        _ask(moment, run, words)


def exchange(moment: Moment, record: Record, run: Run, activation: Activation | None) -> None:
    """An event of a model: what it took belongs to the exchange under way, which it may end."""
    if record.responses:
        run.answered_calls = record.time
    elif record.agent != USER and is_connected(activation) and _is_given(record):
        call = run.exchange
        if call is None or call.activation != activation.number or not _goes_on(record, run, call):
            call = run.exchange = _begin(moment, record, run, activation)
        _take(moment, record, run, call)


def is_connected(activation: Activation | None) -> TypeGuard[Activation]:
    """Whether an agent's events are what its model gives now.

    ADK reads what is left of the connection of who handed over when the session ends (2.13).
    """
    return activation is not None and activation.ended < 0


def _goes_on(record: Record, run: Run, call: ModelCall) -> bool:
    """Whether an event is of an exchange, be it what that took, told once it is complete."""
    is_late = record.usage is not None and not (record.size or record.calls or record.partial)
    is_late &= call.usage is None and run.answered_calls <= call.ended_time
    return _is_answering(run) or (is_late and call is _latest(run))


def _is_given(record: Record) -> bool:
    """Whether an event has something of a model's, and does not only keep the connection."""
    has_more = record.usage or record.turn_complete or record.interrupted or record.error
    return bool(record.size or record.calls or record.partial or has_more)


def _begin(moment: Moment, record: Record, run: Run, activation: Activation) -> ModelCall:
    """Begins an exchange: when words, control or what its calls gave last reached the model."""
    before, asked = run.exchange, run.model_calls.get(activation.number)
    handed_over = activation.time if activation.cause == "transfer" else 0
    reached = max(run.answered_calls, asked.began if asked else 0, handed_over)
    call = add_call(moment.index, record, run)
    if reached > (before.ended_time if before else 0):
        call.began = reached
    # ADK gives no words with `turn_complete` but those of a callback that keeps the user's back.
    call.replaced = bool(record.size and record.turn_complete and not record.version)
    call.replaced &= record.usage is None
    call.was_made = call.has_answer = not (call.replaced or activation.number in run.composed)
    return call


def compose(record: Record, run: Run) -> None:
    """A connection asks another model, whose entries are the calls (2.13, `CascadeLive`)."""
    call = _latest(run)
    run.composed.add(record.activation)
    if call is not None and not call.is_over and call.activation == record.activation:
        call.was_made = False


def _take(moment: Moment, record: Record, run: Run, call: ModelCall) -> None:
    asked, asks = run.model_calls.get(call.activation), _asks(call)
    call.model = (asked.model if asked else "") or call.model or record.version
    run.is_interrupted |= record.interrupted
    if record.size or record.calls:
        call.responses.append(Response(moment.index, record.text, record.calls))
        call.shown += 1
        for asked_for in run.turn.tool_calls:
            if asked_for.asked == moment.index:
                asked_for.model_call = call
        _say(moment, run)
    if not (asks and _asks(call)):  # what it asked for takes its own time
        call.ended, call.ended_time = moment.index, record.time
    if record.usage is not None:
        call.usage = (call.usage or Usage()) + record.usage
    if call.was_made:
        run.turn.reported[call.record] = call.usage


def complete_exchange(moment: Moment, run: Run) -> None:
    """An exchange is complete; the turn is, unless the model goes on with what its calls give.

    Gemini 2.5 completes an exchange by its calls, Gemini 3 by what it says to their results (2.13,
    models/gemini_llm_connection.py).
    """
    call = _latest(run)
    if call is not None:
        call.is_over = True
    if not _asks(call):
        complete_turn(moment, run)


def complete_turn(moment: Moment, run: Run) -> None:
    """A turn is complete; the agent that is connected reads on."""
    turn = run.turn
    if turn.complete:
        return
    control_moves.start_without_agent(moment, run)
    if not run.is_interrupted:
        take_up(moment, run)
    _say(moment, run)
    control_moves.end_turn(moment, run, failed=turn.failed)
    turn.end, turn.active_agent, run.is_interrupted = moment.index, run.active_agent, False


def take_up(moment: Moment, run: Run) -> None:
    """What the user said meanwhile belongs to the turn that answers it."""
    for words in run.barged_in:
        _ask(moment, run, words)
    run.barged_in.clear()


def _latest(run: Run) -> ModelCall | None:
    call = run.exchange
    return call if call is not None and call.turn == run.turn.number else None


def _is_answering(run: Run) -> bool:
    call = _latest(run)
    return call is not None and not call.is_over


def _asks(call: ModelCall | None) -> bool:
    """Whether the latest that an exchange gave is calls of functions."""
    return call is not None and bool(call.responses and call.responses[-1].calls)


def _ask(moment: Moment, run: Run, words: str) -> None:
    run.turn.question = " ".join(filter(None, (run.turn.question, words)))
    _say(moment, run, words)


def _say(moment: Moment, run: Run, words: str = "") -> None:
    """Tells what the user said, or that it is not recorded, once the answer begins."""
    active = run.active_activation
    if words or not run.turn.was_asked:
        run.turn.was_asked, run.words = True, words
        number, cause = (active.number, active.cause) if active else (0, "user")
        conversation_moves.say(moment, run, run.active_agent, number, cause)
