"""Live sessions: one run, read as a turn for each exchange with the user.

ADK calls no `after_model` there; usage, transcripts and `turn_complete` come on events (2.13,
live/_live_llm_flow.py).
"""

from __future__ import annotations

from msgspec.structs import astuple

from adk_flow.analysis import control_moves, conversation_moves
from adk_flow.analysis.calls import add_call
from adk_flow.analysis.move import USER, Moment
from adk_flow.analysis.trace import Run
from adk_flow.log.schema import Record, Usage


def begins_turn(record: Record, run: Run) -> bool:
    """Whether a record shows that the user, or the model, went on after a turn was complete."""
    if not run.turn.complete:
        return False
    shows = record.size or record.calls or record.heard or record.partial
    return record.hook == "before_model" or (record.hook == "event" and bool(shows))


def hear(moment: Moment, record: Record, run: Run) -> None:
    """The user's words, typed or spoken; ADK shows spoken words to `before_model` once more."""
    turn, words = run.turn, record.heard
    if words and not record.partial and words != turn.question:
        turn.question = " ".join(filter(None, (turn.question, words)))
        _say(moment, run, words)


def exchange(moment: Moment, record: Record, run: Run) -> None:
    """An event of a model: what it took belongs to the exchange under way, which it may end."""
    if record.agent == USER or record.responses:
        return
    turn, call = run.turn, run.exchange
    if call is None or call.turn != turn.number:
        call = run.exchange = add_call(moment.index, record, run)
        call.was_made = call.has_answer = True
    asked = run.model_calls.get(record.activation)
    if asked is not None:
        call.model = asked.model
        call.began = asked.began if asked.turn == turn.number else call.began
    call.agent, call.activation = record.agent, record.activation
    call.ended, call.ended_time = moment.index, record.time
    if record.usage is not None:
        call.usage = _sum(call.usage or Usage(), record.usage)
    turn.reported[call.record] = call.usage
    if record.size or record.calls:
        _say(moment, run, "")


def complete_turn(moment: Moment, run: Run) -> None:
    """A turn is complete; the agent that is connected reads on."""
    turn = run.turn
    if turn.complete:
        return
    control_moves.start_without_agent(moment, run)
    _say(moment, run, "")
    control_moves.end_turn(moment, run, failed=turn.failed)
    turn.end, turn.active_agent = moment.index, run.active_agent


def _say(moment: Moment, run: Run, words: str) -> None:
    """Tells what the user said, or that it is not recorded, once the answer begins."""
    active = run.active_activation
    if words or not run.turn.was_asked:
        run.turn.was_asked, run.words = True, words
        number, cause = (active.number, active.cause) if active else (0, "user")
        conversation_moves.say(moment, run, run.active_agent, number, cause)


def _sum(*usages: Usage) -> Usage:
    return Usage(*map(sum, zip(*map(astuple, usages), strict=True)))
