"""Answers of two agents that the user reads as one, without a space between them."""

from collections.abc import Iterator
from itertools import permutations

from adk_flow._text import one_line
from adk_flow.analysis.findings.finding import Finding, listed, make_finding
from adk_flow.analysis.terms import is_whole
from adk_flow.analysis.trace import Message, Trace, Turn

_EDGE = 24
"""Characters of an answer's end and beginning by which it is known again."""
_LEAST = 8
"""How many of them there must be in all, so that "5" and "6" are not found in 56."""


def find_glued_answers(turn: Turn, _: Trace) -> Iterator[Finding]:
    """Finds texts in which the end of one agent's answer and the beginning of another's touch.

    ADK joins what it shows of one event without a space: the answers of several AgentTools with
    `skip_summarization` (2.13, cli/cli.py); an app's own merge may, too.
    """
    for message in turn.messages:
        yield from _glued(turn, message)


def _glued(turn: Turn, message: Message) -> Iterator[Finding]:
    answers: dict[str, str] = {}
    """Who said a text, by the text."""
    for move in turn.moves:
        is_earlier = move.kind in ("answer", "reply") and move.record <= message.record
        text = move.text.strip()
        if is_earlier and text != message.text.strip() and is_whole(text):
            answers.setdefault(text, move.source)
    for (first, speaker), (second, next_speaker) in permutations(answers.items(), 2):
        seam = first[-_EDGE:] + second[:_EDGE]
        if len(seam) >= _LEAST and seam in message.text and seam not in first + "\n" + second:
            names, records = (speaker, next_speaker), [message.record]
            text = (
                f"The user reads the answers of {listed(names)} without a space "
                f"between them: {one_line(seam, 60)!r}."
            )
            yield make_finding("glued_answers", turn, names, text, records, "serious")
