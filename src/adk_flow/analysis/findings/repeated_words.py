"""What the user reads twice, or should not read: answers said again, candidates, raw JSON."""

from collections.abc import Iterator

from adk_flow._data import parse_json
from adk_flow.analysis.findings.concurrency import ran_at_once
from adk_flow.analysis.findings.finding import Finding, Kind, distinct, listed, make_finding
from adk_flow.analysis.terms import Terms, is_whole, terms_of
from adk_flow.analysis.trace import Message, Trace, Turn

_SAME = 0.8
"""Share of an answer's distinctive words by which another text holds it."""
_LEAST_WORDS = 5
"""Distinctive words that an answer without figures must have to be known again."""
_ONE_OF_MANY = 0.75
"""Share of all candidates' length below which a text is one of them and not all together."""


def find_repeated_words(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds what the user was shown without need, as every text in ADK's session is.

    A text repeats an answer if one of them holds the other: all its figures and four fifths of its
    distinctive words. Answers of agents that ran side by side are candidates if a shorter text
    holds one of them.
    """
    shown = [message for message in turn.messages if not message.is_result]
    raw = [message for message in shown if _is_json(message.text)]
    if raw:
        yield _finding("raw_json", turn, raw, f"The user reads raw JSON of {listed(_names(raw))}.")
    if len(distinct(_names(shown))) > 1:
        yield from _repeated(trace, turn, [message for message in shown if message not in raw])


def _repeated(trace: Trace, turn: Turn, shown: list[Message]) -> Iterator[Finding]:
    terms = {message: terms_of(message.text) for message in shown if is_whole(message.text)}
    candidates: list[Message] = []
    for place, later in enumerate(shown):
        earlier = [o for o in shown[:place] if o in terms and o.agent != later.agent]
        alike = (o for o in earlier if later in terms and _is_alike(terms[o], terms[later]))
        known = [o for o in alike if o not in candidates and not _ran_at_once(trace, o, later)]
        if not known:
            continue
        others = [o for o in earlier if o is known[0] or _ran_at_once(trace, o, known[0])]
        if _is_choice(later, [other for other in others if any(terms[other])]):
            candidates += others
            text = f"The user reads all {len(others)} candidates, of {listed(_names(others))}, "
            kind, read = "shown_candidates", f"{text}before {later.agent} gives one of them."
        else:
            others = known
            text = f"The user reads what {listed(_names(known))} answered twice: "
            kind, read = "repeated_answer", f"{text}{later.agent} says it again."
        yield _finding(kind, turn, [*others, later], read)


def _finding(kind: Kind, turn: Turn, shown: list[Message], text: str) -> Finding:
    records = {message.record for message in shown}
    return make_finding(kind, turn, distinct(_names(shown)), text, records)


def _names(shown: list[Message]) -> list[str]:
    return [message.agent for message in shown]


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or array and nothing else, be it in a Markdown block."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare[:1] in ("{", "[") and bool(parse_json(bare))


def _is_alike(earlier: Terms, later: Terms) -> bool:
    """Whether one text holds the other: a plugin may have added words to either."""
    return _is_held(earlier, later) or _is_held(later, earlier)


def _is_held(content: Terms, text: Terms) -> bool:
    """Whether a text holds an answer that has enough to be known again."""
    if not content.numbers and len(content.words) < _LEAST_WORDS:
        return False
    has_figures = content.numbers <= text.numbers
    return has_figures and len(content.words & text.words) >= _SAME * len(content.words)


def _ran_at_once(trace: Trace, *messages: Message) -> bool:
    """Whether two agents spoke that ran at the same time, neither of them for the other."""
    first, second = (trace.activations.get(message.activation) for message in messages)
    return first is not None and second is not None and ran_at_once(first, second)


def _is_choice(text: Message, candidates: list[Message]) -> bool:
    """Whether a text that holds one of several candidates is not what they say together."""
    length = sum(len(candidate.text) for candidate in candidates)
    return len(candidates) > 1 and len(text.text) < _ONE_OF_MANY * length
