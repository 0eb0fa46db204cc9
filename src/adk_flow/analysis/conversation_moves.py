"""Recognises moves of conversation: who says what to whom."""

from __future__ import annotations

from msgspec.structs import replace

from adk_flow._data import object_in
from adk_flow.analysis.move import USER, Moment
from adk_flow.analysis.trace import Activation, Run
from adk_flow.log.schema import FunctionCall, Record


def say(moment: Moment, run: Run, agent: str, number: int, cause: str) -> None:
    """The user's words reach the agent or graph that a turn begins with."""
    moment.add("say", USER, agent, run.turn.number, number, cause, text=run.words)


def ask(
    moment: Moment,
    source: str,
    target: str,
    turn: int,
    activation: int,
    cause: str,
    parent: int,
    call: str,
    text: str,
) -> None:
    """A caller calls an agent or graph, and asks it."""
    place = turn, activation, cause
    moment.add("call", source, target, *place, parent=parent, call=call)
    moment.add("ask", source, target, *place, parent=parent, call=call, text=text)


def ask_otherwise(record: Record, run: Run) -> None:
    """A callback changed what a graph is asked, after the hook that told it."""
    moves, asked = run.turn.moves, ("ask", record.activation, record.call)
    for index, move in enumerate(moves):
        if (move.kind, move.parent, move.call) == asked:
            moves[index] = replace(move, text=record.text)


def answer(
    moment: Moment, turn: int, activation: Activation, target: str, cause: str, call: str, text: str
) -> None:
    """A called agent, or a node, gives its answer to who called it."""
    number = activation.number
    moment.add("answer", activation.agent, target, turn, number, cause, call=call, text=text)


def reply(moment: Moment, run: Run, activation: Activation | None) -> None:
    """The user reads every event's words in ADK's session, be they a called agent's or a node's."""
    record = moment.record
    number = activation.number if activation else 0
    if activation is not None and record.final:
        activation.text, activation.said = record.text, moment.index
    if run.parent is None and record.agent != USER:
        moment.add("reply", record.agent, USER, run.turn.number, number, text=record.text)


def ask_user(moment: Moment, run: Run) -> None:
    """A turn's end shows what it waits for."""
    for index, agent, number, call in run.waits.values():
        text = describe_wait(call)
        at = moment.record.time, index
        moment.add("reply", agent, USER, run.turn.number, number, text=text, at=at)


def describe_wait(call: FunctionCall) -> str:
    """Says what a run waits for: the question if ADK's call holds one, else the call."""
    arguments = object_in(call.text)  # none in a preview, which is cut short
    confirmed = arguments.get("toolConfirmation")
    hint = confirmed.get("hint") if isinstance(confirmed, dict) else ""
    text = arguments.get("message") or hint or call.text
    return f"waits for {call.name}: {text}".removesuffix(": ")
