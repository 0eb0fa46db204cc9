"""Answers of called agents that nobody told the user."""

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, distinct, listed, make_finding
from adk_flow.analysis.move import Move
from adk_flow.analysis.terms import Terms, is_whole, terms_of
from adk_flow.analysis.trace import Activation, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS

_FEW_WORDS = 0.2
"""Share of an answer's distinctive words below which a text holds almost none of them."""
_LEAST_WORDS = 5
"""Distinctive words that an answer without figures must have for their absence to tell."""

_NO_REPLY = "the turn ended without a reply"


def find_dropped_answers(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds answers of called agents that the user was not told, and calls that failed silently.

    An answer counts as told, or used, if one of its figures, or a fifth of its distinctive words,
    stands in any reply of the turn or in what an agent or tool was asked or said after it.
    """
    is_unheard = any(hidden.hook == "event" for hidden in turn.hidden_hooks)
    # What comes from outside may bring the answer later.
    is_pending = any(call.pending and call.ended < 0 for call in turn.tool_calls)
    if not turn.complete or turn.waiting() or is_pending or is_unheard:
        return
    for place, move in enumerate(turn.moves):
        if move.kind == "answer" and move.cause in AGENT_CALLS:
            yield from _dropped(trace, turn, move, turn.moves[place + 1 :])
    yield from _failed(trace, turn)


def _dropped(trace: Trace, turn: Turn, answer: Move, after: list[Move]) -> Iterator[Finding]:
    # The last words in ADK's session may be the called agent's own, as of `single_turn`.
    is_last_shown = turn.finals and turn.finals[-1].activation == answer.activation
    if answer.record not in turn.worded or is_last_shown:
        return
    replies = [move for move in turn.moves if move.kind == "reply"]
    later = [*replies, *_uses(trace, answer, after)]
    is_late = not any(move.kind == "reply" for move in after)
    asked_on = any(move.kind in ("ask", "transfer") for move in after)
    if not replies and _caller_faces_user(trace, answer):
        reason = _NO_REPLY
    elif not _is_lost(turn, answer, later, asked_on=asked_on):
        return
    else:
        reason = f"{_NO_REPLY} after it" if is_late else _criterion(turn, answer)
    text = f"{answer.source} answered {answer.target}, but {reason}."
    records = {answer.record, *(move.record for move in replies), *turn.end_record}
    level = "serious" if reason.startswith(_NO_REPLY) else "notice"
    agents = answer.source, answer.target
    yield make_finding("unrelayed_answer", turn, agents, text, records, level)


def _caller_faces_user(trace: Trace, answer: Move) -> bool:
    parent = _parent_of(trace, answer)
    return parent is not None and parent.faces_user


def _uses(trace: Trace, answer: Move, after: list[Move]) -> list[Move]:
    """Lists what was said after an answer by others than those who were called beside it."""
    parent = _parent_of(trace, answer)
    later = (move for move in after if move.kind in ("ask", "answer"))
    return [m for m in later if m.kind == "ask" or _parent_of(trace, m) != parent]


def _parent_of(trace: Trace, move: Move) -> Activation | None:
    activation = trace.activations.get(move.activation)
    return activation.head.source if activation else None


def _is_lost(turn: Turn, answer: Move, later: list[Move], *, asked_on: bool) -> bool:
    """Whether nothing of an answer was told; False too where words were left out of the log."""
    arguments = [call.text for call in turn.tool_runs if call.record > answer.record]
    texts = [*[move.text for move in later], *arguments]
    if not all(map(is_whole, [answer.text, *texts])):
        return False
    content, used = _content(turn, answer), terms_of(*texts)
    if content.shares_number(used):
        return False
    if not content.numbers and (asked_on or len(content.words) < _LEAST_WORDS):
        return False
    return len(content.words & used.words) <= _FEW_WORDS * len(content.words)


def _content(turn: Turn, answer: Move) -> Terms:
    """Reads what an answer adds to the question."""
    return terms_of(answer.text).without(terms_of(turn.question))


def _criterion(turn: Turn, answer: Move) -> str:
    count = len(_content(turn, answer).numbers)
    figures = {0: "", 1: "not its figure and "}.get(count, f"none of its {count} figures and ")
    return f"the replies hold {figures}almost none of its words"


def _failed(trace: Trace, turn: Turn) -> Iterator[Finding]:
    """Finds calls of agents that failed in a turn that said nothing after that."""
    moves = turn.moves
    calls = [m for m in moves if m.kind == "return" and m.failed and m.cause in AGENT_CALLS]
    own = [move for move in calls if _caller_faces_user(trace, move)]
    replied = [place for place, move in enumerate(moves) if move.kind == "reply"]
    if not own or (replied and replied[-1] > moves.index(own[0])):
        return
    agents = distinct(move.source for move in own)
    was = "its calls" if len(own) > 1 else "its call"
    text = f"{own[0].target} got no answer from {listed(agents)}: {was} failed and {_NO_REPLY}."
    agents, records = [*agents, own[0].target], {*(move.record for move in own), *turn.end_record}
    yield make_finding("unrelayed_answer", turn, agents, text, records, "serious")
