"""What each agent's model requests held of somebody else's."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from adk_flow._data import group_by
from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Activation, ToolCall, Trace
from adk_flow.analysis.visibility.attribution import Said
from adk_flow.analysis.visibility.matching import Attribution, ExposureKind, key_of
from adk_flow.log.schema import Request


class Exposure(msgspec.Struct, frozen=True):
    """Something of somebody else's that an agent's model was shown."""

    agent: str
    source: str
    """`user`, an agent, or a canary by name."""
    kind: ExposureKind
    """`words` said in the conversation, the `request` that it was called with, the `answer` of an
    agent that it called itself, arguments or results of another agent's `tool`, or a `canary`."""
    record: int
    """Index of the first `before_model` record that held it, or event of a remote agent."""
    requests: int
    """How many of the agent's requests held it."""


class AttributedRequest(NamedTuple):
    """A model request, and whose words it holds."""

    record: int
    """Its index."""
    agent: str
    request: Request
    sources: list[list[Attribution]]
    """Of each part; last, of the instruction."""
    shown: list[Attribution]
    """What is somebody else's."""
    beyond: list[Attribution]
    """What of that was said outside the call in which the agent runs."""


class _Scopes:
    """Follows calls of agents, activation by activation."""

    def __init__(self) -> None:
        self._requests: dict[ToolCall, dict[str, str]] = {}
        """Who asked what, by call; a task agent's lasts over several turns."""
        self._members: defaultdict[ToolCall | None, set[str]] = defaultdict(set)
        self._addressed: set[tuple[ToolCall | None, str]] = set()
        """The user's words to a task agent that holds the turn, by its call."""

    def begin(self, activation: Activation, moves: Sequence[Move]) -> None:
        """Notes what an activation was called with."""
        scope = activation.scope
        if scope is not None and scope.kind == "node_tool":
            self._requests[scope] = {key_of(scope.text): scope.agent}
        for move in moves:
            if move.kind == "ask" and scope is not None:
                self._requests[scope] = {key_of(move.text): move.source}
            elif move.kind == "say":
                self._addressed.add((scope, key_of(move.text)))
        self._members[scope].add(activation.agent)

    def asked(self, activation: Activation | None) -> Mapping[str, str]:
        """Gives who asked an agent what, by the key of the words."""
        scope = activation.scope if activation else None
        return self._requests.get(scope, {}) if scope else {}

    def is_beyond(self, words: Attribution, activation: Activation | None) -> bool:
        """Whether a called agent is shown what was said outside its call."""
        scope = activation.scope if activation else None
        is_inside = words.source in self._members[scope] or (scope, words.key) in self._addressed
        return bool(scope) and words.kind in ("words", "tool") and not is_inside


def attribute_requests(trace: Trace) -> Iterator[AttributedRequest]:
    """Reads off a trace whose words each request held, of all that was said before it."""
    said, scopes = Said(trace.log.texts), _Scopes()
    calls = (call for turn in trace.turns for call in turn.model_calls)
    sent = {call.record: call.request for call in calls if call.request is not None}
    moves = group_by(trace.moves, lambda move: move.record)
    for index, record in enumerate(trace.records):
        said.read(record, moves.get(index, ()))
        activation = trace.activations.get(record.activation)
        request = sent.get(index, record.request)  # as callbacks have changed it
        if record.hook == "before_agent" and activation and activation.began == index:
            scopes.begin(activation, moves.get(index, ()))
        elif record.hook in ("before_model", "event") and request is not None:
            asked = scopes.asked(activation)
            is_node = activation is not None and activation.cause == "node"
            sources = [said.in_part(part, record, asked, is_node) for part in request.parts]
            sources.append(said.in_instruction(request.system, asked))
            held = {words for part in sources for words in part}
            shown = sorted(words for words in held if words.source != record.agent)
            beyond = [words for words in shown if scopes.is_beyond(words, activation)]
            yield AttributedRequest(index, record.agent, request, sources, shown, beyond)
