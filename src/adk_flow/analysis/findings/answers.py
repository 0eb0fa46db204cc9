"""Findings on conversation: what ADK's session does not show, and what nobody told the user."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.findings.repetition import Terms, is_whole, terms
from adk_flow.analysis.findings.story import Story
from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.moves import Move
from adk_flow.log.schema import AGENT_CALLS

_FEW_WORDS = 0.2
"""Share of an answer's distinctive words below which a text holds almost none of them."""
_LEAST_WORDS = 5
"""Distinctive words that an answer without figures must have for their absence to tell."""

_NO_REPLY = "the turn ended without a reply"


def hidden_conversations(story: Story) -> Iterator[Finding]:
    """Finds turns of which ADK's session lacks model calls: those in runs of their own."""
    for turn in story.turns:
        hidden = [call for call in story.calls_of(turn.turn) if story.nested[call.asked]]
        if not hidden:
            continue
        agents = distinct(story.records[call.asked].agent for call in hidden)
        own = "sessions of their own" if len(agents) > 1 else "a session of its own"
        yield Finding(
            kind="hidden_conversation",
            turn=turn.turn,
            agents=agents,
            text=f"{len(hidden)} of {turn.llm_calls} LLM calls{_tokens(story, turn)} are not in "
            f"ADK's session: {listed(agents)} ran in {own}.",
            records=tuple(sorted(n for call in hidden for n in call if n >= 0)),
        )


def _tokens(story: Story, turn: TurnMetrics) -> str:
    everything = turn.input_tokens + turn.output_tokens
    shown = turn.reported_input_tokens + turn.reported_output_tokens
    if everything <= shown:
        return ""
    return f" and {everything - shown:,} of {everything:,} tokens"


def unrelayed_answers(story: Story) -> Iterator[Finding]:
    """Finds answers of called agents that the user was not told, and calls that failed silently.

    An answer counts as told, or used, if one of its figures, or a fifth of its distinctive words,
    stands in any reply of the turn or in what an agent or tool was asked or said after it.
    """
    for turn in story.turns:
        if not turn.complete or story.waiting(turn.turn) or _is_pending(story, turn.turn):
            continue
        moves = story.moves.get(turn.turn, [])
        for place, move in enumerate(moves):
            if move.kind == "answer" and move.cause in AGENT_CALLS:
                yield from _unrelayed(story, turn, move, moves[place + 1 :])
        yield from _failed(story, turn, moves)


def _is_pending(story: Story, turn: int) -> bool:
    """Whether a turn waits for something from outside, so that its answer may come later."""
    mine = (story.records[n] for n in story.records_of[turn])
    return any(call not in story.spans for record in mine for call in record.pending)


def _unrelayed(
    story: Story, turn: TurnMetrics, answer: Move, after: list[Move]
) -> Iterator[Finding]:
    if not story.records[answer.record].size or _is_last_shown(story, turn, answer):
        return
    replies = [move for move in story.moves[turn.turn] if move.kind == "reply"]
    told = [*replies, *_uses(story, answer, after)]
    is_late = not any(move.kind == "reply" for move in after)
    if not replies and _caller_faces_user(story, answer):
        reason = _NO_REPLY
    elif not _is_lost(story, turn, answer, told, asked_on=_asked_on(after)):
        return
    else:
        reason = f"{_NO_REPLY} after it" if is_late else _criterion(turn, answer)
    yield Finding(
        kind="unrelayed_answer",
        turn=turn.turn,
        agents=(answer.source, answer.target),
        text=f"{answer.source} answered {answer.target}, but {reason}.",
        records=_in_order(answer.record, *[m.record for m in replies], *story.ends(turn.turn)),
        level="serious" if reason.startswith(_NO_REPLY) else "notice",
    )


def _is_last_shown(story: Story, turn: TurnMetrics, answer: Move) -> bool:
    """Whether the last words in ADK's session are the called agent's own, as of `single_turn`."""
    return (
        bool(turn.finals) and story.records[turn.finals[-1].record].activation == answer.activation
    )


def _caller_faces_user(story: Story, answer: Move) -> bool:
    parent = story.activations.get(_parent_of(story, answer))
    return parent is not None and story.faces_user(parent)


def _uses(story: Story, answer: Move, after: list[Move]) -> list[Move]:
    """Lists what was said after an answer by others than those who were called beside it."""
    parent = _parent_of(story, answer)
    later = (move for move in after if move.kind in ("ask", "answer"))
    return [m for m in later if m.kind == "ask" or _parent_of(story, m) != parent]


def _parent_of(story: Story, move: Move) -> int:
    activation = story.activations.get(move.activation)
    return story.head(activation).parent if activation else 0


def _asked_on(after: list[Move]) -> bool:
    return any(move.kind in ("ask", "transfer") for move in after)


def _is_lost(
    story: Story, turn: TurnMetrics, answer: Move, told: list[Move], *, asked_on: bool
) -> bool:
    """Whether nothing of an answer was told; False too where words were left out of the log."""
    arguments = _arguments_after(story, turn.turn, answer.record)
    texts = [*[move.text for move in told], *arguments]
    if not all(map(is_whole, [answer.text, *texts])):
        return False
    content, found = _content(turn, answer), terms(*texts)
    if content.shares_number(found):
        return False
    if not content.numbers and (asked_on or len(content.words) < _LEAST_WORDS):
        return False
    return len(content.words & found.words) <= _FEW_WORDS * len(content.words)


def _arguments_after(story: Story, turn: int, index: int) -> list[str]:
    later = (story.records[n] for n in story.records_of[turn] if n > index)
    return [record.text for record in later if record.hook == "before_tool"]


def _content(turn: TurnMetrics, answer: Move) -> Terms:
    """Reads what an answer adds to the question."""
    return terms(answer.text).without(terms(turn.question))


def _criterion(turn: TurnMetrics, answer: Move) -> str:
    count = len(_content(turn, answer).numbers)
    figures = {0: "", 1: "not its figure and "}.get(count, f"none of its {count} figures and ")
    return f"the replies hold {figures}almost none of its words"


def _failed(story: Story, turn: TurnMetrics, moves: list[Move]) -> Iterator[Finding]:
    """Finds calls of agents that failed in a turn that said nothing after that."""
    calls = [m for m in moves if m.kind == "return" and m.failed and m.cause in AGENT_CALLS]
    mine = [move for move in calls if _caller_faces_user(story, move)]
    replied = [place for place, move in enumerate(moves) if move.kind == "reply"]
    if not mine or (replied and replied[-1] > moves.index(mine[0])):
        return
    agents = distinct(move.source for move in mine)
    was = "its calls" if len(mine) > 1 else "its call"
    yield Finding(
        kind="unrelayed_answer",
        turn=turn.turn,
        agents=(*agents, mine[0].target),
        text=f"{mine[0].target} got no answer from {listed(agents)}: {was} failed and {_NO_REPLY}.",
        records=_in_order(*[move.record for move in mine], *story.ends(turn.turn)),
        level="serious",
    )


def _in_order(*records: int) -> tuple[int, ...]:
    return tuple(sorted(set(records)))
