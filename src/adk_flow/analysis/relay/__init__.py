"""Which facts went on from the user to called agents, and from those to the user."""

from collections.abc import Iterator, Sequence

import msgspec

from adk_flow.analysis.move import USER
from adk_flow.analysis.relay.facts import LOOSE, Fact, lost_facts, read_facts, without
from adk_flow.analysis.terms import is_whole
from adk_flow.analysis.trace import Activation, ModelCall, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS


class Relay(msgspec.Struct, frozen=True):
    """What was to be passed on: the user's facts to called agents, or an agent's to the user.

    Facts are numbers with a unit, dates, and names of a list. One that came on in another spelling,
    rounded, in another unit or computed with is not lost.
    """

    turn: int
    source: str
    """`user`, or an agent that was called."""
    targets: list[str]
    """The agents that were called, or `user`."""
    facts: list[str]
    """All of the source, as they are written."""
    lost: list[str]
    """Those that reached none of the targets and went into no other call."""
    records: tuple[int, ...]
    """What was said first, in which words, then what went on."""


def trace_relays(trace: Trace, names: Sequence[str] = ()) -> Iterator[Relay]:
    """Follows facts through each turn that came to its end, as far as all words were kept."""
    for turn in trace.turns:
        facing = _facing_user(trace, turn)
        heads = [activation for activation in turn.activations if _is_called(activation, facing)]
        is_settled = turn.complete and not (turn.failed or turn.waits or turn.waiting())
        if heads and is_settled and not any(hook.hook == "event" for hook in turn.hidden_hooks):
            yield from _to_called(trace, turn, heads, facing, names)
            for head in heads:
                yield from _to_user(trace, turn, head, names)


def _facing_user(trace: Trace, turn: Turn) -> set[int]:
    """Finds who talks with the user, be it as a node of a graph that is given what the user said.

    A node that is given something else was called: its first request begins with its node's input
    (2.13, workflow/_llm_agent_wrapper.py).
    """
    facing = {activation.number for activation in turn.activations if activation.faces_user}
    nodes = {act.number for act in turn.activations if act.cause == "node" and act.source is None}
    for call in turn.model_calls:
        words = " ".join(_words(trace, call))
        if call.activation in nodes and turn.question.strip() in words:
            facing.add(call.activation)
    return facing


def _is_called(activation: Activation, facing: set[int]) -> bool:
    """Whether an agent was called by one that talks with the user, or by the graph that does."""
    parent = activation.source
    if activation.cause == "node" and parent is None:
        return activation.number not in facing
    return activation.cause in AGENT_CALLS and parent is not None and parent.number in facing


def _to_called(
    trace: Trace, turn: Turn, heads: Sequence[Activation], facing: set[int], names: Sequence[str]
) -> Iterator[Relay]:
    if any(agent.cause == "transfer" and agent.faces_user for agent in turn.activations):
        return  # who took over is shown the whole conversation
    asked = [move for move in turn.moves if move.kind == "ask"]
    calls = [call for call in turn.model_calls if call.activation not in facing]
    texts = [move.text for move in asked]
    texts += [text for call in calls for text in _words(trace, call)]
    texts += [call.text for call in turn.tool_runs if call.kind == "function"]
    if all(map(is_whole, [turn.question, *texts])):
        source = read_facts(turn.question, names)
        target = _facts_in(texts, names, source)
        given = {call.activation: call.record for call in reversed(calls)}
        first = [
            given[head.number] for head in heads if head.cause == "node" and head.number in given
        ]
        records = tuple(sorted({turn.record, *(move.record for move in asked), *first}))
        agents = list(dict.fromkeys(head.agent for head in heads))
        lost = _written(lost_facts(source, target))
        yield Relay(turn.number, USER, agents, _written(source), lost, records)


def _facts_in(texts: Sequence[str], names: Sequence[str], source: Sequence[Fact]) -> list[Fact]:
    """Reads texts, which may be long, if a source has facts to look for in them."""
    has_facts = any(fact.unit != LOOSE for fact in source)
    return [fact for text in texts if has_facts for fact in read_facts(text, names)]


def _words(trace: Trace, call: ModelCall) -> Iterator[str]:
    """Gives all that a model was sent."""
    if call.request is not None:
        numbers = dict.fromkeys((call.request.system, *(part.text for part in call.request.parts)))
        yield from filter(None, map(trace.log.texts.get, numbers))


def _to_user(trace: Trace, turn: Turn, head: Activation, names: Sequence[str]) -> Iterator[Relay]:
    moves = [m for m in turn.moves if m.kind == "answer" and m.activation == head.last.number]
    for answer in moves:
        read = [message.text for message in turn.messages]
        later = [m.text for m in turn.moves if m.kind == "ask" and m.record > answer.record]
        later += [call.text for call in turn.tool_runs if call.record > answer.record]
        if not all(map(is_whole, [answer.text, turn.question, *read, *later])):
            continue
        known = read_facts(turn.question, names)
        source = without(read_facts(answer.text, names), known)
        target = _facts_in([*read, *later], names, source)
        records = tuple(sorted({answer.record, *(message.record for message in turn.messages)}))
        lost = _written(lost_facts(source, target, known))
        yield Relay(turn.number, head.agent, [USER], _written(source), lost, records)


def _written(facts: Sequence[Fact]) -> list[str]:
    return [fact.text for fact in facts if fact.unit != LOOSE]
